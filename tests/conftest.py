"""Fixtures that many tests share, started once for each process of the run, and the markers of the levels."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.support.every_process import sitecustomize

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onboarding.local.stack import LocalStack
    from onboarding.runtime import AppContext
    from onboarding.storage.database import Database
    from tests.support.running_pipeline import Pipeline

LEVELS = ("e2e", "faults", "infra", "integration", "unit")
"""The folders of tests, and their markers. Tests run in this order: the short ones at the end keep all workers busy."""

# The workers of a parallel run have the width of the terminal here; commands write to files at full width.
os.environ.pop("COLUMNS", None)

# No test depends on its duration.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# The import above validates the requests of this process; this does the same for the processes that it starts.
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(Path(sitecustomize.__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]
)


def level_of(item: pytest.Item) -> str:
    return item.path.relative_to(Path(__file__).parent).parts[0]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with its level, which is its folder, and sort the tests by level.

    Many generated examples cover no more lines than a few, and take twice the time while lines are counted.
    """
    for item in items:
        item.add_marker(level_of(item))
        if getattr(getattr(item, "obj", None), "is_hypothesis_test", False) or level_of(item) == "faults":
            item.add_marker("no_cover")
    items.sort(key=lambda item: LEVELS.index(level_of(item)))


# The fixtures import what they start: the unit tests need none of it.


@pytest.fixture(scope="session")
def directory() -> Iterator[Path]:
    """A directory that other users can enter: another pytest that starts closes those of `tmp_path_factory`."""
    path = Path(tempfile.mkdtemp(prefix="onboarding-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="session")
def database_url(directory: Path) -> Iterator[str]:
    """The address of a migrated database, on a PostgreSQL server without AWS."""
    from onboarding.local.postgres import Postgres
    from onboarding.local.processes import Ports
    from onboarding.storage.database import open_connection
    from onboarding.storage.migrate import migrate

    state = directory / "postgres"
    state.mkdir()
    postgres = Postgres(state, Ports(state / "ports.json").choose("postgres"))
    postgres.start(lambda: None)
    try:
        with open_connection(postgres.url) as connection:
            migrate(connection)
        yield postgres.url
    finally:
        postgres.stop()


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """That database with what the migrations put in it, and nothing else."""
    from tests.support.postgres_fixtures import clean_database

    with clean_database(database_url) as opened:
        yield opened


@pytest.fixture(scope="session")
def engine(directory: Path) -> Iterator[LocalStack]:
    """The local stack with the pipeline deployed."""
    from onboarding.local.stack import LocalStack

    # Short pauses between retries: a test of an event that fails every time does not wait for three minutes.
    with LocalStack(directory / "stack", environment={"LAMBDA_ASYNC_RETRY_BASE_SECONDS": "1"}) as running:
        yield running


@pytest.fixture(scope="session")
def pipeline(engine: LocalStack) -> Iterator[Pipeline]:
    """The pipeline of the local stack, as vendors and operators reach it."""
    from tests.support.running_pipeline import Pipeline

    with Pipeline(engine.endpoints) as running:
        yield running


@pytest.fixture(scope="module")
def ctx(pipeline: Pipeline) -> Iterator[AppContext]:
    """The pipeline of the local stack, as an operator's command reaches it."""
    from onboarding.config import Settings
    from onboarding.runtime import AppContext

    with pytest.MonkeyPatch.context() as patch:
        for name, value in pipeline.endpoints.environment().items():
            patch.setenv(name, value)
        reached = AppContext(Settings(dict(os.environ)))
        yield reached
        reached.close()
