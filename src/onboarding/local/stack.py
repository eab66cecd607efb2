"""Local stack: start, deployment of the pipeline, supervision of the processes, and stop."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import time
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any, Self

from onboarding.domain.resource_names import Function, prefix_of_bucket, resource_name
from onboarding.local.aws_emulator import REGION, ROOT_KEY, ROOT_SECRET, AwsEmulator
from onboarding.local.endpoints import LOCK, Endpoints, remove_endpoints, write_endpoints
from onboarding.local.postgres import DATABASE, USER, Postgres
from onboarding.local.processes import HOST, LocalError, Ports, read_json_object, read_log_tail
from onboarding.local.smtp_inbox import Inbox
from onboarding.local.state_files import private_directory, write_atomically
from onboarding.local.template_deployment import deploy_template
from onboarding.local.web_server import WebServer, seed_operator
from onboarding.storage.database import Database, open_connection
from onboarding.storage.database_roles import set_logins
from onboarding.storage.migrate import migrate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from types import FrameType, TracebackType

WATCH_SECONDS = 0.2
"""Seconds between two checks of the processes; a signal interrupts the wait."""

LOCK_ATTEMPTS = 20
"""The number of attempts to lock a state directory, a hundredth of a second apart."""

LINK_KEYS = "link-keys.json"
"""The file in the state directory with the keys that sign report links."""

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """A signal requested a stop. Not an Exception, so that no `except Exception` catches it."""


class LocalStack:
    """The local stack on one state directory, as a context manager or by `start` and `stop`.

    Start it from a thread that ends after it (see `make_parent_death_hook`). `parameters` are passed to the template,
    `environment` to the emulator and its functions.
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
        # A plain flag and not an Event: the code that the signal handler interrupts could hold the lock of an Event.
        self.stopping = False
        self.emulator: AwsEmulator | None = None
        self.postgres: Postgres | None = None
        self.web_server: WebServer | None = None
        self._port = port
        self._parameters = parameters or {}
        self._environment = environment
        self._exit_stack = ExitStack()

    def start(self) -> Endpoints:
        """Start all processes, deploy the pipeline and write `endpoints.json`. After an exception no process runs."""
        try:
            self.endpoints = self._start()
        except BaseException:
            self.stop()
            raise
        return self.endpoints

    def stop(self) -> None:
        """Stop all processes in reverse order. It can be called again."""
        self._exit_stack.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def find_failure(self) -> str | None:
        """Return a description of a process that ended unexpectedly, or None if all processes run."""
        processes = {"the AWS emulator": self.emulator, "PostgreSQL": self.postgres, "the web server": self.web_server}
        for name, child in processes.items():
            code = child.process.poll() if child is not None and child.process is not None else None
            if child is not None and code is not None:
                return f"{name} ended (exit code {code}); {child.log} ends:\n{read_log_tail(child.log)}"
        return None

    def _check(self) -> None:
        """Raise Stopped after a signal, and LocalError if a process ended. Called between steps and while waiting."""
        if self.stopping:
            raise Stopped
        failure = self.find_failure()
        if failure is not None:
            raise LocalError(failure)

    def _start(self) -> Endpoints:
        private_directory(self.state)
        self._exit_stack.enter_context(_StateLock(self.state))
        # Keep git from adding the directory if it is in a repository.
        write_atomically(self.state / ".gitignore", "*\n")
        remove_endpoints(self.state)
        ports = Ports(self.state / "ports.json")
        link_keys = _read_link_keys(self.state / LINK_KEYS)
        emulator_port = ports.choose("emulator", self._port)

        # The emulator starts while PostgreSQL does. It stops before the inbox, which receives its last e-mails.
        postgres = self.postgres = Postgres(self.state, ports.choose("postgres"))
        self._exit_stack.callback(postgres.stop)
        inbox = Inbox(self.state / "inbox")
        self._exit_stack.callback(inbox.stop)
        web_server = self.web_server = WebServer(self.state, ports.choose("portal"))
        emulator = self.emulator = AwsEmulator(
            self.state, emulator_port, inbox.port, self._environment, origin=web_server.url
        )
        self._exit_stack.callback(emulator.stop)
        self._exit_stack.callback(web_server.stop)
        self._check()
        emulator.spawn()
        # Its imports take a second or two, so they run while the others start.
        web_server.spawn()
        postgres.start(self._check)
        inbox.start()
        with open_connection(postgres.url) as connection:
            migrate(connection)
            seed_operator(connection)
        emulator.wait_ready(self._check)
        parameters = {
            "Stage": "local",
            "Packaging": "Zip",
            "DatabaseHost": HOST,
            "DatabasePort": str(postgres.port),
            "DatabaseName": DATABASE,
            "DatabaseUser": USER,
            "DatabasePassword": postgres.password,
            "DatabaseSslMode": "prefer",
            "PublicUrl": emulator.url,
            "PortalOrigin": web_server.url,
            # The emulator loses events of S3 for a function at its limit; AWS keeps them.
            "CsvParserConcurrency": "0",
            "ProductValidatorConcurrency": "0",
            # The emulator counts filtered records as part of a batch, and processes one batch at a time.
            "StreamBatchSize": "500",
            **self._parameters,
        }
        outputs = deploy_template(emulator.client, parameters, self._check)
        secrets, name = emulator.client("secretsmanager"), outputs["LinkSecretName"]
        if link_keys:
            secrets.put_secret_value(SecretId=name, SecretString=json.dumps(link_keys))
        else:
            write_atomically(self.state / LINK_KEYS, secrets.get_secret_value(SecretId=name)["SecretString"])
        # On AWS the function `admin` does this after each migration.
        server = {"host": HOST, "port": postgres.port, "dbname": DATABASE}
        with closing(Database(lambda *, fresh=False: {"conninfo": postgres.url})) as database:
            set_logins(database, secrets, server, prefix_of_bucket(outputs["Bucket"]))
        endpoints = self._collect_endpoints(emulator, postgres, inbox, web_server, outputs)
        web_server.serve(endpoints, emulator.client("lambda"))
        web_server.wait_ready(self._check)
        self._check()
        write_endpoints(self.state, endpoints)
        self._exit_stack.callback(remove_endpoints, self.state)
        return endpoints

    def _collect_endpoints(
        self, emulator: AwsEmulator, postgres: Postgres, inbox: Inbox, web_server: WebServer, outputs: Mapping[str, str]
    ) -> Endpoints:
        name = resource_name(Function.MAILER, prefix_of_bucket(outputs["Bucket"]))
        mailer = emulator.client("lambda").get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        return Endpoints(
            state=str(self.state),
            aws_endpoint_url=emulator.url,
            aws_region=REGION,
            aws_access_key_id=ROOT_KEY,
            aws_secret_access_key=ROOT_SECRET,
            bucket=outputs["Bucket"],
            table=outputs["Table"],
            error_queue_url=outputs["QueueUrl"],
            topic_arn=outputs["TopicArn"],
            email_claims_table=mailer["EMAIL_CLAIMS_TABLE"],
            secret_name=outputs["DatabaseSecretName"],
            database_url=postgres.url,
            inbox_dir=str(inbox.directory),
            link_base_url=mailer["LINK_BASE_URL"],
            portal_url=web_server.url,
            log_dir=str(self.state / "logs"),
            pid=os.getpid(),
        )


class _StateLock:
    """Lock of a state directory for one process. The kernel releases it when the process ends."""

    def __init__(self, state: Path) -> None:
        self._path = state / LOCK

    def __enter__(self) -> None:
        self._file = self._path.open("a+")
        # A command that checks the lock holds it for a moment.
        for _ in range(LOCK_ATTEMPTS):
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(0.01)
        else:
            self._file.seek(0)
            holder_pid = self._file.read().strip()
            self._file.close()
            raise LocalError(
                f"a local stack (process {holder_pid}) already runs on {self._path.parent}; "
                "stop it, or choose another state directory"
            )
        self._file.truncate(0)
        self._file.write(str(os.getpid()))
        self._file.flush()

    def __exit__(self, *_: object) -> None:
        self._file.close()


def _read_link_keys(path: Path) -> dict[str, str]:
    """Return the stored keys that sign report links; none before the first start."""
    remedy = "restore it, or delete it, and a new key is created; links in earlier e-mails then no longer work"
    return read_json_object(path, _are_link_keys, remedy)


def _are_link_keys(values: dict[str, Any]) -> bool:
    return bool(values.get("current")) and all(type(key) is str for key in values.values())


def run_until_stopped(
    state: Path,
    port: int | None = None,
    on_ready: Callable[[Endpoints], Callable[[], None] | None] | None = None,
    *,
    parameters: Mapping[str, str] | None = None,
    print_error: Callable[[str], None] = print,
) -> int:
    """Run the local stack in the foreground until a signal; return the exit code: 0, or 1 after a failure.

    `on_ready` is called after the start; it may return a function to call before the stop. Call this from the main
    thread, which receives signals.
    """
    local = LocalStack(state, port, parameters=parameters)
    is_interruptible = False
    before_stop: Callable[[], None] | None = None

    def stop(_number: int, _frame: FrameType | None) -> None:
        # An exception during the start or the stop could leave a new process running.
        is_first, local.stopping = not local.stopping, True
        if is_first and is_interruptible:
            raise Stopped

    # SIGHUP stays ignored under nohup.
    numbers = [
        number for number in STOP_SIGNALS if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN
    ]
    handlers = {number: signal.signal(number, stop) for number in numbers}
    try:
        with local:
            is_interruptible = True
            try:
                if on_ready is not None and not local.stopping:
                    before_stop = on_ready(local.endpoints)
                while not local.stopping:
                    time.sleep(WATCH_SECONDS)
                    failure = local.find_failure()
                    if failure is not None:
                        raise LocalError(failure)
            finally:
                is_interruptible = False
                if before_stop is not None:
                    before_stop()
    except Stopped:
        return 0
    except LocalError as error:
        print_error(str(error))
        return 1
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    return 0
