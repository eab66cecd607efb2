"""What many tests stand on: a real PostgreSQL, and the whole pipeline on the local stack. Each is started once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from onboarding.config import Settings
from onboarding.local.postgres import Postgres
from onboarding.local.processes import Ports
from onboarding.local.stack import LocalStack
from onboarding.runtime import AppContext
from onboarding.storage.database import open_connection
from onboarding.storage.migrate import migrate
from tests.support.every_process import sitecustomize
from tests.support.postgres_fixtures import seeded
from tests.support.running_pipeline import Pipeline

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onboarding.storage.database import Database

# The import above validates the requests of this process; this does the same for the processes that it starts.
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(Path(sitecustomize.__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]
)


@pytest.fixture(scope="session")
def database_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A migrated database of its own, without AWS around it."""
    state = tmp_path_factory.mktemp("postgres")
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
    """That database as the migrations left it."""
    with seeded(database_url) as opened:
        yield opened


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """The pipeline, up and running."""
    state = tmp_path_factory.mktemp("engine")
    # Retries as soon as may be: a test of what every retry failed on does not wait for three minutes.
    with LocalStack(state, environment={"LAMBDA_ASYNC_RETRY_BASE_SECONDS": "1"}) as running:
        yield running


@pytest.fixture(scope="session")
def pipeline(engine: LocalStack) -> Iterator[Pipeline]:
    """The running pipeline as a test uses it."""
    with Pipeline(engine.endpoints) as running:
        yield running


@pytest.fixture(scope="module")
def ctx(pipeline: Pipeline) -> Iterator[AppContext]:
    """The running pipeline as an operator's command reaches it."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in pipeline.endpoints.environment().items():
            patch.setenv(name, value)
        reached = AppContext(Settings(dict(os.environ)))
        yield reached
        reached.close()
