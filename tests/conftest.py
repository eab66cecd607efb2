"""Fixtures that many tests share, created once for each worker process, and the markers of the test levels."""

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
"""Test levels: folders and markers. Tests run in this order, so that short tests at the end keep all workers busy."""

# Workers of a parallel run inherit the width of the terminal, which would limit the width of command output.
os.environ.pop("COLUMNS", None)

# No deadline: the duration of an example depends on the load of the machine.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# The import above validates the AWS requests of this process; the path validates those of its child processes.
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(Path(sitecustomize.__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]
)


def level_of(item: pytest.Item) -> str:
    """Return the level of a test: its folder in `tests`."""
    return item.path.relative_to(Path(__file__).parent).parts[0]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with its level, and sort the tests by level.

    Tests with generated examples are excluded from coverage: they take twice the time with it and add few lines.
    """
    for item in items:
        item.add_marker(level_of(item))
        if getattr(getattr(item, "obj", None), "is_hypothesis_test", False) or level_of(item) == "faults":
            item.add_marker("no_cover")
    items.sort(key=lambda item: LEVELS.index(level_of(item)))


# The fixtures import their modules, because the unit tests need none of these.


@pytest.fixture(scope="session")
def directory() -> Iterator[Path]:
    """A directory that other users can read. Another pytest process would restrict those of `tmp_path_factory`."""
    path = Path(tempfile.mkdtemp(prefix="onboarding-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="session")
def database_url(directory: Path) -> Iterator[str]:
    """The URL of a migrated database on a PostgreSQL server without the AWS emulator."""
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
    """The database of `database_url`, reset to the state after the migrations."""
    from tests.support.postgres_fixtures import clean_database

    with clean_database(database_url) as opened:
        yield opened


@pytest.fixture(scope="session")
def local_stack(directory: Path) -> Iterator[LocalStack]:
    """The local stack with the pipeline deployed."""
    from onboarding.local.stack import LocalStack

    # Short delays between retries: otherwise an event that always fails takes three minutes.
    with LocalStack(directory / "stack", environment={"LAMBDA_ASYNC_RETRY_BASE_SECONDS": "1"}) as running:
        yield running


@pytest.fixture(scope="session")
def pipeline(local_stack: LocalStack) -> Iterator[Pipeline]:
    """Access to the pipeline of the local stack, as vendors and operators have it."""
    from tests.support.running_pipeline import Pipeline

    with Pipeline(local_stack.endpoints) as running:
        yield running


@pytest.fixture(scope="module")
def ctx(pipeline: Pipeline) -> Iterator[AppContext]:
    """The application context of the local stack, as commands of operators use it."""
    from onboarding.config import Settings
    from onboarding.runtime import AppContext

    with pytest.MonkeyPatch.context() as patch:
        for name, value in pipeline.endpoints.environment().items():
            patch.setenv(name, value)
        context = AppContext(Settings(dict(os.environ)))
        yield context
        context.close()
