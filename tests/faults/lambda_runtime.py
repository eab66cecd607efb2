"""Simulated Lambda runtime: runs the real handlers, each in a container with its own context and database connection.

Injection points are the failpoints of the pipeline (`at validate.committed`), the calls to AWS and the statements
(`before s3.put_object`, `after sql.insert_products`), and the commits. The control of a call is invoked at each.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from importlib import import_module
from typing import Any, TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict

from onboarding import failpoints
from onboarding.config import Settings
from onboarding.domain.models import UploadStatus
from onboarding.pipeline import cancel, recovery, undo
from onboarding.runtime import AppContext
from onboarding.storage import uploads
from tests.faults.aws_in_memory import Aws
from tests.faults.client_doubles import Client, Lambdas
from tests.faults.patches import Clock, InlineExecutor, NoMetrics, apply_patches, names_of_queries
from tests.support.postgres_fixtures import ACTOR

InjectionPoint = str
"""When (`at`, `before` or `after`) and the name of a failpoint, call, statement or commit."""
Event = dict[str, Any]
Result = TypeVar("Result")

FUNCTIONS = ("csv_parser", "product_validator", "error_processor", "mailer", "watchdog")
TIMED = ("aws.staging_table", "notifications.email", "aws.error_queue", "storage.database")
"""Modules whose sleeps and times are those of the harness's clock."""
CALLS = (*FUNCTIONS, "cancel", "undo")
"""Calls: the functions, and the API's actions on an upload."""

ENVIRONMENT = {
    "DYNAMODB_TABLE": "UploadRecords",
    "RDS_SECRET_NAME": "ecommerce/rds/credentials",
    "DATABASE_SSLMODE": "prefer",
    "SQS_ERROR_QUEUE_URL": "http://queue",
    "FAILURES_BUCKET_NAME": "failures",
    "S3_BUCKET_NAME": "ecommerce-product-uploads-000000000000",
    "SNS_TOPIC_ARN": "arn:topic",
    "EMAIL_CLAIMS_TABLE": "product-onboarding-email-claims",
    "EMAIL_SENDER": "uploads@techmart.example",
    "LINK_SECRET_NAME": "product-onboarding/link-keys",
    "LINK_BASE_URL": "http://links",
}


class Crash(BaseException):
    """Simulated end of the process; no code may catch it."""


class Call:
    """One invocation of a function; `control` is invoked at each injection point and may raise or return `partial`."""

    def __init__(self, function: str, event: Event, control: Callable[[Call, InjectionPoint], str | None]) -> None:
        self.function = function
        self.event = event
        self.control = control
        self.hits: Counter[InjectionPoint] = Counter()
        self.container: Container | None = None
        self.faults: list[str] = []
        self.delivery: Any = None

    def reach(self, point: InjectionPoint) -> str | None:
        """Count the injection point and invoke the control."""
        self.hits[point] += 1
        return self.control(self, point)


class Container:
    """A process of one function, reused for the next call unless it crashed."""

    def __init__(self, runtime: Runtime, function: str) -> None:
        self.runtime = runtime
        self.function = function
        self.context = FaultContext(self)
        self.connection: FaultConnection | None = None
        self.call: Call | None = None
        self.dead = False
        self.published: list[str] = []

    def reach(self, point: InjectionPoint) -> str | None:
        if self.dead:
            raise Crash
        return self.call.reach(point) if self.call is not None else None

    def kill(self) -> None:
        """End the process: its database connection is closed, and none of its code runs any more."""
        self.dead = True
        backend = self.backend
        if self.connection is not None:
            self.connection.pgconn.finish()
        # Wait until the transaction is rolled back and its locks are released. A statement that waits for a lock keeps
        # the server from noticing the closed connection, and the holder of the lock may be paused: terminate it.
        while backend is not None and self.runtime.fetch("select 1 from pg_stat_activity where pid = %s", (backend,)):
            if self.runtime.waits_for_lock(backend):
                self.runtime.terminate(backend)
            time.sleep(0.001)

    @property
    def backend(self) -> int | None:
        """Process id of the server process of the connection."""
        connection = self.connection
        return None if connection is None or connection.closed else connection.pgconn.backend_pid

    def cut(self) -> None:
        """Have the server close the database connection."""
        if self.backend is not None:
            self.runtime.terminate(self.backend)

    def close(self) -> None:
        self.context.close()


class FaultContext(AppContext):
    """A context with doubles for the AWS clients and the real database."""

    def __init__(self, container: Container) -> None:
        self.settings = Settings(dict(ENVIRONMENT))
        self._container = container
        self._cached: dict[str, dict[str, Any]] = {}
        # Entries in __dict__ replace the cached properties.
        for service in ("s3", "dynamodb", "sqs", "sns", "ses"):
            self.__dict__[service] = Client(service, container)
        self.__dict__["lambdas"] = Lambdas(container)

    def secret(self, name: str, *, fresh: bool = False) -> dict[str, Any]:
        if fresh or name not in self._cached:
            self._container.reach("before secretsmanager.get_secret_value")
            self._cached[name] = dict(self._container.runtime.aws.secrets[name])
        return self._cached[name]


class FaultConnection(psycopg.Connection[Any]):
    """A connection whose statements and commits are injection points."""

    container: Container

    @contextmanager
    def transaction(self, savepoint_name: str | None = None, force_rollback: bool = False) -> Iterator[Any]:
        runtime, published = self.container.runtime, self.container.published
        published.clear()
        try:
            with super().transaction(savepoint_name, force_rollback) as transaction:
                yield transaction
                self.container.reach("before commit")
        except BaseException as fault:
            # In pipeline mode the error is raised where a result is read, which may be any later statement.
            runtime.deadlocks += isinstance(fault, psycopg.errors.DeadlockDetected)
            runtime.aws.unmarked.update(published)
            raise
        finally:
            runtime.transactions_ended += 1
        self.container.reach("after commit")


class _FaultCursor(psycopg.Cursor[Any]):
    def execute(self, query: Any, *arguments: Any, **options: Any) -> Any:
        with self._injection_points(query):
            return super().execute(query, *arguments, **options)

    def stream(self, query: Any, *arguments: Any, **options: Any) -> Iterator[Any]:
        with self._injection_points(query):
            yield from super().stream(query, *arguments, **options)

    @contextmanager
    def _injection_points(self, query: Any) -> Iterator[None]:
        connection = self.connection
        if not isinstance(connection, FaultConnection):
            yield
            return
        runtime = connection.container.runtime
        name = runtime.queries.get(query) or "sql." + "_".join(str(query).split()[:3])
        connection.container.reach(f"before {name}")
        yield
        connection.container.reach(f"after {name}")


class Runtime:
    """All containers, their AWS double, and a database connection that observes and terminates sessions."""

    def __init__(self, database_url: str) -> None:
        self.database_url = database_url
        self.aws = Aws()
        self.clock = Clock()
        self.queries = names_of_queries()
        self.deadlocks = 0
        self.transactions_ended = 0
        self.idle: dict[str, list[Container]] = {name: [] for name in CALLS}
        self.current = threading.local()
        self._watching = psycopg.connect(database_url, autocommit=True)
        self._lock = threading.Lock()
        self._watch_lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        """Create a new AWS double; the containers are reused."""
        self.aws = Aws()
        self.aws.clock = self.clock.time
        credentials = conninfo_to_dict(self.database_url)
        self.aws.secrets = {
            "ecommerce/rds/credentials": {"username": credentials.pop("user"), **credentials},
            "product-onboarding/link-keys": {"current": "k" * 64},
        }
        self.deadlocks = 0

    def call(
        self, function: str, event: Event, control: Callable[[Call, InjectionPoint], str | None]
    ) -> tuple[Any, Call]:
        """Invoke a function; raise its exception, or Crash if its process ended."""
        call = Call(function, event, control)
        return self.run(call), call

    def run(self, call: Call) -> Any:
        idle = self.idle[call.function]
        with self._lock:
            container = idle.pop() if idle else Container(self, call.function)
        container.call, call.container = call, container
        before, self.current.container = getattr(self.current, "container", None), container
        try:
            result = self._handler(call.function)(call.event, None)
        finally:
            self.current.container = before
            container.call = None
            if not container.dead:
                idle.append(container)
        if container.dead:
            raise Crash
        return result

    @contextmanager
    def outside_of_calls(self) -> Iterator[None]:
        """Run the block as another program would, although a call may be running on this thread."""
        before, self.current.container = getattr(self.current, "container", None), None
        try:
            yield
        finally:
            self.current.container = before

    def _handler(self, function: str) -> Callable[[Event, object], Any]:
        if function not in FUNCTIONS:
            return self._cancel if function == "cancel" else self._undo
        handler: Callable[[Event, object], Any] = import_module(f"onboarding.lambda_handlers.{function}").handler
        return handler

    def _cancel(self, event: Event, _: object) -> None:
        ctx, upload_id = self.current.container.context, event["upload_id"]
        upload = ctx.database.run(lambda connection: uploads.get_upload(connection, upload_id))
        if upload is not None and upload.status is UploadStatus.PROCESSING:
            cancel.cancel_upload(ctx, upload_id, upload.vendor_id, ACTOR)

    def _undo(self, event: Event, _: object) -> None:
        with suppress(LookupError, undo.NotUndoable):
            undo.undo_upload(self.current.container.context.database, event["upload_id"], ACTOR)

    def terminate(self, backend: int) -> None:
        self.fetch("select pg_terminate_backend(%s, 5000)", (backend,))

    def waits_for_lock(self, backend: int) -> bool:
        return bool(self.fetch("select cardinality(pg_blocking_pids(%s)) > 0", (backend,))[0][0])

    def observe(self, work: Callable[[psycopg.Connection[Any]], Result]) -> Result:
        """Run work on the observing connection, each statement in its own transaction."""
        with self._watch_lock:
            try:
                return work(self._watching)
            except psycopg.OperationalError:
                # The server was restarted: connect again.
                self._watching.close()
                with self.outside_of_calls():
                    self._watching = psycopg.connect(self.database_url, autocommit=True)
                return work(self._watching)

    def fetch(self, query: Any, parameters: Any = None) -> list[Any]:
        """Execute a statement on the observing connection; return its rows."""

        def work(connection: psycopg.Connection[Any]) -> list[Any]:
            cursor = connection.execute(query, parameters)
            return cursor.fetchall() if cursor.description else []

        return self.observe(work)

    def cool_down(self) -> None:
        """Close every idle container."""
        for containers in self.idle.values():
            while containers:
                containers.pop().close()

    def close(self) -> None:
        self.cool_down()
        self._watching.close()

    @contextmanager
    def installed(self) -> Iterator[Runtime]:
        """Patch the package to run on this runtime: contexts, failpoints and connections."""
        original = psycopg.connect

        def connect(conninfo: str = "", **parameters: Any) -> Any:
            container = getattr(self.current, "container", None)
            if container is None:
                return original(conninfo, **parameters)
            container.reach("before connect")
            connection = FaultConnection.connect(conninfo, cursor_factory=_FaultCursor, **parameters)
            connection.container = container
            container.connection = connection
            return connection

        changes: list[tuple[Any, str, Any]] = [(psycopg, "connect", connect)]
        for name in FUNCTIONS:
            module = import_module(f"onboarding.lambda_handlers.{name}")
            changes.append((module, "get_context", lambda: self.current.container.context))
        changes += [(import_module(f"onboarding.{name}"), "time", self.clock) for name in TIMED]
        # Without a minimum age: every unfinished upload counts as stalled when the watchdog runs.
        changes += [
            (import_module("onboarding.lambda_handlers.watchdog"), "PATIENCE", timedelta(0)),
            (recovery.resume_stalled_uploads, "__kwdefaults__", {"patience": timedelta(0), "limit": None}),
        ]
        telemetry = import_module("onboarding.lambda_handlers.telemetry")
        changes += [(telemetry, "Metrics", NoMetrics)]
        changes += [(import_module("onboarding.aws.concurrent_calls"), "ThreadPoolExecutor", InlineExecutor)]
        levels = [(logging.getLogger(name), logging.getLogger(name).level) for name in ("psycopg",)]
        level = telemetry.logger.log_level
        failpoints.set_listener(self._reach_failpoint)
        telemetry.logger.setLevel("CRITICAL")
        for logger, _ in levels:
            logger.setLevel(logging.CRITICAL)
        try:
            with apply_patches(changes):
                yield self
        finally:
            failpoints.set_listener(None)
            telemetry.logger.setLevel(level)
            for logger, before in levels:
                logger.setLevel(before)

    def _reach_failpoint(self, name: failpoints.Failpoint) -> None:
        container = getattr(self.current, "container", None)
        if container is not None:
            container.reach(f"at {name}")
