"""Starts the whole pipeline on this machine, keeps it up, and stops it without leaving a process behind."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import time
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any, Self

from onboarding.domain.resource_names import prefix_of_bucket, resource_name
from onboarding.local.aws_emulator import REGION, ROOT_KEY, ROOT_SECRET, Engine
from onboarding.local.deploy import deploy
from onboarding.local.endpoints import LOCK, Endpoints, remove_endpoints, write_endpoints
from onboarding.local.postgres import DATABASE, USER, Postgres
from onboarding.local.processes import HOST, LocalError, Ports, log_tail, read_json_object
from onboarding.local.smtp_inbox import Inbox
from onboarding.local.state_files import private_directory, write_atomically
from onboarding.local.web_server import Portal, seed_operator
from onboarding.storage.database import Database, migrate, open_connection
from onboarding.storage.database_roles import set_logins

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from types import FrameType, TracebackType

WATCH_SECONDS = 0.2
"""How often it is looked whether everything is still up; a signal interrupts the wait."""

LOCK_ATTEMPTS = 20
"""How often it is tried to get the lock of a state directory, a hundredth of a second apart."""

LINK_KEYS = "link-keys.json"
"""The file of the link keys in the state directory."""

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """Somebody asked us to stop. Not an Exception: nobody on the way may take it for a fault and go on."""


class LocalEngine:
    """The pipeline on one state directory, as a context manager or by `start` and `stop`.

    Start it from a thread that lasts as long as the engine is to last (see `die_with_parent`). `parameters` go to the
    template, `environment` to the engine and its functions.
    """

    endpoints: Endpoints

    def __init__(
        self,
        state: Path,
        port: int | None = None,
        *,
        parameters: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.state = state.resolve()
        # A plain flag: a signal's handler sets it, and an Event's lock could be held by what the signal interrupted.
        self.stopping = False
        self.engine: Engine | None = None
        self.postgres: Postgres | None = None
        self.portal: Portal | None = None
        self._port = port
        self._parameters = parameters or {}
        self._environment = environment
        self._undo = ExitStack()

    def start(self) -> Endpoints:
        """Start everything and announce it in `endpoints.json`. After an exception nothing is left running."""
        try:
            self.endpoints = self._start()
        except BaseException:
            self.stop()
            raise
        return self.endpoints

    def stop(self) -> None:
        """Stop everything, last things first. Safe to call again."""
        self._undo.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def failure(self) -> str | None:
        """What went wrong, if a process that should be up is not; asked for again and again while up."""
        children = (("the engine", self.engine), ("PostgreSQL", self.postgres), ("the portal", self.portal))
        for name, child in children:
            code = child.process.poll() if child is not None and child.process is not None else None
            if child is not None and code is not None:
                return f"{name} ended (exit code {code}); {child.log} ends:\n{log_tail(child.log)}"
        return None

    def _check(self) -> None:
        """Called between steps and while waiting."""
        if self.stopping:
            raise Stopped
        failure = self.failure()
        if failure is not None:
            raise LocalError(failure)

    def _start(self) -> Endpoints:
        private_directory(self.state)
        self._undo.enter_context(_lock(self.state))
        # What lies here is nobody's to commit, wherever the directory stands.
        write_atomically(self.state / ".gitignore", "*\n")
        remove_endpoints(self.state)
        ports = Ports(self.state / "ports.json")
        link_keys = _link_keys(self.state / LINK_KEYS)
        engine_port = ports.choose("engine", self._port)

        # The engine comes up beside PostgreSQL. It ends before the inbox, which holds the mail that is on its way.
        postgres = self.postgres = Postgres(self.state, ports.choose("postgres"))
        self._undo.callback(postgres.stop)
        inbox = Inbox(self.state / "inbox")
        self._undo.callback(inbox.stop)
        portal = self.portal = Portal(self.state, ports.choose("portal"))
        engine = self.engine = Engine(self.state, engine_port, inbox.port, self._environment, origin=portal.url)
        self._undo.callback(engine.stop)
        self._undo.callback(portal.stop)
        self._check()
        engine.spawn()
        # Its imports take a while: they are done while the rest comes up.
        portal.spawn()
        postgres.start(self._check)
        inbox.start()
        with open_connection(postgres.url) as connection:
            migrate(connection)
            seed_operator(connection)
        engine.wait_ready(self._check)
        parameters = {
            "Stage": "local",
            "Packaging": "Zip",
            "DatabaseHost": HOST,
            "DatabasePort": str(postgres.port),
            "DatabaseName": DATABASE,
            "DatabaseUser": USER,
            "DatabasePassword": postgres.password,
            "DatabaseSslMode": "prefer",
            "PublicUrl": engine.url,
            "PortalOrigin": portal.url,
            # A limit on a function that S3 starts loses events here, where AWS would hold them back.
            "CsvParserConcurrency": "0",
            "ProductValidatorConcurrency": "0",
            # The engine counts what its filter leaves out as part of a batch, and has but one batch at work.
            "StreamBatchSize": "500",
            **self._parameters,
        }
        outputs = deploy(engine.client, engine.url, parameters, self._check)
        secrets, name = engine.client("secretsmanager"), outputs["LinkSecretName"]
        if link_keys:
            secrets.put_secret_value(SecretId=name, SecretString=json.dumps(link_keys))
        else:
            write_atomically(self.state / LINK_KEYS, secrets.get_secret_value(SecretId=name)["SecretString"])
        # As the function `admin` does on AWS after each migration.
        server = {"host": HOST, "port": postgres.port, "dbname": DATABASE}
        with closing(Database(lambda *, fresh=False: {"conninfo": postgres.url})) as database:
            set_logins(database, secrets, server, prefix_of_bucket(outputs["Bucket"]))
        endpoints = self._describe(engine, postgres, inbox, portal, outputs)
        portal.serve(endpoints, engine.client("lambda"))
        portal.wait_ready(self._check)
        self._check()
        write_endpoints(self.state, endpoints)
        self._undo.callback(remove_endpoints, self.state)
        return endpoints

    def _describe(
        self, engine: Engine, postgres: Postgres, inbox: Inbox, portal: Portal, outputs: Mapping[str, str]
    ) -> Endpoints:
        name = resource_name("mailer", prefix_of_bucket(outputs["Bucket"]))
        mailer = engine.client("lambda").get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        return Endpoints(
            state=str(self.state),
            aws_endpoint_url=engine.url,
            aws_region=REGION,
            aws_access_key_id=ROOT_KEY,
            aws_secret_access_key=ROOT_SECRET,
            bucket=outputs["Bucket"],
            table=outputs["Table"],
            error_queue_url=outputs["QueueUrl"],
            topic_arn=outputs["TopicArn"],
            mail_claims_table=mailer["MAIL_CLAIMS_TABLE"],
            secret_name=outputs["DatabaseSecretName"],
            database_url=postgres.url,
            inbox_dir=str(inbox.directory),
            link_base_url=mailer["LINK_BASE_URL"],
            portal_url=portal.url,
            log_dir=str(self.state / "logs"),
            pid=os.getpid(),
        )


class _lock:  # noqa: N801 - reads as a function
    """Holds the state directory for one process; the kernel lets go of it however that process ends."""

    def __init__(self, state: Path) -> None:
        self._path = state / LOCK

    def __enter__(self) -> None:
        self._file = self._path.open("a+")
        # A command that looks whether the lock is held holds it itself for a moment.
        for _ in range(LOCK_ATTEMPTS):
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(0.01)
        else:
            self._file.seek(0)
            holder = self._file.read().strip()
            self._file.close()
            raise LocalError(
                f"a local engine (process {holder}) already runs on {self._path.parent}; "
                "stop it, or name another state directory"
            )
        self._file.truncate(0)
        self._file.write(str(os.getpid()))
        self._file.flush()

    def __exit__(self, *_: object) -> None:
        self._file.close()


def _link_keys(path: Path) -> dict[str, str]:
    """Return the link keys of the first stack, so that links in old mails still open; nothing before the first."""
    remedy = "restore it, or delete it: a new key is made, and links in the mails sent so far no longer open"
    return read_json_object(path, _are_link_keys, remedy)


def _are_link_keys(values: dict[str, Any]) -> bool:
    return bool(values.get("current")) and all(type(key) is str for key in values.values())


def run_until_stopped(
    state: Path,
    port: int | None = None,
    on_ready: Callable[[Endpoints], Callable[[], None] | None] | None = None,
    *,
    parameters: Mapping[str, str] | None = None,
    say: Callable[[str], None] = print,
) -> int:
    """Run the pipeline in the foreground until a signal; the exit code: 0, or 1 if it could not run or broke.

    `on_ready` is called once all of it is up; it may return a function, which is called before all of it is stopped.
    To be called from the main thread, which signals interrupt.
    """
    local = LocalEngine(state, port, parameters=parameters)
    interruptible = False
    before_stop: Callable[[], None] | None = None

    def stop(_number: int, _frame: FrameType | None) -> None:
        # While a start or a stop is under way, a raised exception could lose sight of a process just born.
        first, local.stopping = not local.stopping, True
        if first and interruptible:
            raise Stopped

    # nohup leaves SIGHUP ignored, and means it.
    wanted = [
        number for number in STOP_SIGNALS if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN
    ]
    before = {number: signal.signal(number, stop) for number in wanted}
    try:
        with local:
            interruptible = True
            try:
                if on_ready is not None and not local.stopping:
                    before_stop = on_ready(local.endpoints)
                while not local.stopping:
                    time.sleep(WATCH_SECONDS)
                    failure = local.failure()
                    if failure is not None:
                        raise LocalError(failure)
            finally:
                interruptible = False
                if before_stop is not None:
                    before_stop()
    except Stopped:
        return 0
    except LocalError as error:
        say(str(error))
        return 1
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return 0
