"""Web server of the local stack: portal and REST API, the same app as on AWS, in a uvicorn process.

`python -m onboarding.local.web_server` is that process: it reads its settings as one line of JSON from standard input,
and ends when the input closes.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onboarding.domain.resource_names import Function, prefix_of_bucket, resource_name
from onboarding.local.processes import (
    HOST,
    Check,
    LocalError,
    is_responding,
    make_child_environment,
    pause,
    read_log_tail,
)
from onboarding.local.state_files import private_directory
from onboarding.storage.database import Connection

if TYPE_CHECKING:
    from onboarding.local.endpoints import Endpoints

SAMPLE_OPERATOR = "operator@techmart.example"
"""An operator of the local stack. On AWS there is no operator until one is added."""

SIGN_IN_CHOICES = {"TechGear (vendor)": "contact@techgear.com", "Operator": SAMPLE_OPERATOR}
"""Demo accounts on the sign-in page, by name."""

DATABASE_CONNECTIONS = 6
"""The number of database connections of the app, and so of concurrent requests."""

STOP_TIMEOUT = 3


def seed_operator(connection: Connection) -> None:
    """Insert the sample operator."""
    connection.execute(
        "insert into operators (email, name, role) values (%s, 'Sample operator', 'admin') on conflict do nothing",
        (SAMPLE_OPERATOR,),
    )


class WebServer:
    """The web server: call `spawn`, `serve` and `wait_ready`, use `url`, call `stop`."""

    def __init__(self, state: Path, port: int) -> None:
        self.port = port
        self.url = f"http://{HOST}:{port}"
        self.log = private_directory(state / "logs") / "portal.log"
        self.process: subprocess.Popen[bytes] | None = None
        self._directory = state

    def spawn(self) -> None:
        """Start the process, which waits for its settings from `serve`."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                # The argument is not used: it identifies the process in lists of processes.
                [sys.executable, "-m", "onboarding.local.web_server", str(self._directory)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._directory,
                env=make_child_environment() | {"PYTHONUNBUFFERED": "1", "POWERTOOLS_SERVICE_NAME": "api"},
                start_new_session=True,
            )

    def serve(self, endpoints: Endpoints, lambdas: Any) -> None:
        """Send the process its settings: the environment of the deployed function `api`, with the local addresses."""
        name = resource_name(Function.API, prefix_of_bucket(endpoints.bucket))
        variables = lambdas.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        environment = {
            **variables,
            **endpoints.environment(),
            # The login of `api`; the endpoints have that of the commands.
            "RDS_SECRET_NAME": variables["RDS_SECRET_NAME"],
            "PORTAL_URL": self.url,
        }
        assert self.process is not None  # noqa: S101 - spawn comes first
        assert self.process.stdin is not None  # noqa: S101
        with contextlib.suppress(BrokenPipeError):  # `wait_ready` reports the reason
            settings = {"port": self.port, "environment": environment, "inbox": endpoints.inbox_dir}
            self.process.stdin.write(json.dumps(settings).encode() + b"\n")
            self.process.stdin.flush()

    def wait_ready(self, check: Check) -> None:
        """Wait until the app responds. Raises LocalError if its process ends before."""
        while not is_responding(self.port, "/v1/openapi.json"):
            if self.process is None or self.process.poll() is not None:
                raise LocalError(f"the web server did not start; {self.log} ends:\n{read_log_tail(self.log)}")
            pause(check)

    def stop(self) -> None:
        """Stop the process, without waiting for the responses to current requests."""
        if self.process is None:
            return
        if self.process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_TIMEOUT)
        self.process.kill()
        self.process.wait()
        self.process = None


def _run_server() -> None:
    import uvicorn  # noqa: PLC0415 - only this process needs uvicorn and the app

    from onboarding.config import Settings  # noqa: PLC0415
    from onboarding.local.inbox_pages import inbox_pages  # noqa: PLC0415
    from onboarding.runtime import AppContext  # noqa: PLC0415
    from onboarding.web.api.webhooks import publish_all  # noqa: PLC0415
    from onboarding.web.app import create_app  # noqa: PLC0415
    from onboarding.web.portal.rendering import LocalDemo  # noqa: PLC0415

    line = sys.stdin.buffer.readline()
    if not line:
        return
    settings = json.loads(line)

    # boto3 reads the environment itself.
    os.environ.update(settings["environment"])
    demo = LocalDemo(inbox_pages(Path(settings["inbox"])), SIGN_IN_CHOICES)
    app = create_app(AppContext(Settings.from_environment()), connections=DATABASE_CONNECTIONS, demo=demo)
    # The emulator has lost its table of webhooks; the database has them.
    publish_all(app.state.pool)
    config = uvicorn.Config(
        app,
        host=HOST,
        port=settings["port"],
        log_level="warning",
        # The app writes its own access log, without paths, which contain tokens.
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)

    def end_with_parent() -> None:
        while sys.stdin.buffer.read(1024):
            pass
        server.should_exit = True

    threading.Thread(target=end_with_parent, name="end-with-parent", daemon=True).start()
    server.run()


if __name__ == "__main__":
    _run_server()
