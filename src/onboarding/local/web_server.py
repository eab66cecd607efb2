"""The portal and the REST API on this machine: the same app as on AWS, served by uvicorn in a process of its own.

As a program (`python -m onboarding.local.web_server`) it is that process: it gets ready, reads its settings as one line of
JSON from standard input, serves, and ends when that input closes, however its starter ended.
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

from onboarding.local.processes import HOST, Check, LocalError, answers, clean_environment, log_tail, pause
from onboarding.local.state_files import private_directory
from onboarding.resource_names import prefix_of_bucket, resource_name
from onboarding.storage.database import Connection

if TYPE_CHECKING:
    from onboarding.local.endpoints import Endpoints

SAMPLE_OPERATOR = "operator@techmart.example"
"""Signs in like any other, with the mail in the inbox. On AWS there is no operator until one is made."""

PEOPLE = {"TechGear (vendor)": "contact@techgear.com", "Operator": SAMPLE_OPERATOR}
"""Demo accounts on the sign-in page, by name."""

SEATS = 6
"""Database connections of the app, and so the requests that it works on at once."""

STOP_SECONDS = 3


def seed_operator(connection: Connection) -> None:
    """Have an operator to sign in as."""
    connection.execute(
        "insert into operators (email, name, role) values (%s, 'Sample operator', 'admin') on conflict do nothing",
        (SAMPLE_OPERATOR,),
    )


class Portal:
    """The served app: `spawn`, `serve`, `wait_ready`, use `url`, `stop`."""

    def __init__(self, state: Path, port: int) -> None:
        self.port = port
        self.url = f"http://{HOST}:{port}"
        self.log = private_directory(state / "logs") / "portal.log"
        self.process: subprocess.Popen[bytes] | None = None
        self._directory = state

    def spawn(self) -> None:
        """Start the process, which waits for its settings."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                # The directory is for whoever looks at the list of processes.
                [sys.executable, "-m", "onboarding.local.web_server", str(self._directory)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._directory,
                env=clean_environment() | {"PYTHONUNBUFFERED": "1", "POWERTOOLS_SERVICE_NAME": "api"},
                start_new_session=True,
            )

    def serve(self, endpoints: Endpoints, lambdas: Any) -> None:
        """Tell the process where everything is, as the deployed functions were told."""
        name = resource_name("api", prefix_of_bucket(endpoints.bucket))
        variables = lambdas.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        environment = {
            **variables,
            **endpoints.environment(),
            # The function's own login; the endpoints name that of an operator's commands.
            "RDS_SECRET_NAME": variables["RDS_SECRET_NAME"],
            "PORTAL_URL": self.url,
        }
        assert self.process is not None  # noqa: S101 - spawn comes first
        assert self.process.stdin is not None  # noqa: S101
        with contextlib.suppress(BrokenPipeError):  # `wait_ready` tells why
            told = {"port": self.port, "environment": environment, "inbox": endpoints.inbox_dir}
            self.process.stdin.write(json.dumps(told).encode() + b"\n")
            self.process.stdin.flush()

    def wait_ready(self, check: Check) -> None:
        """Return once the app answers."""
        while not answers(self.port, "/v1/openapi.json"):
            if self.process is None or self.process.poll() is not None:
                raise LocalError(f"the portal did not start; {self.log} ends:\n{log_tail(self.log)}")
            pause(check)

    def stop(self) -> None:
        """End the process; requests under way are cut off."""
        if self.process is None:
            return
        if self.process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_SECONDS)
        self.process.kill()
        self.process.wait()
        self.process = None


def _main() -> None:
    import uvicorn  # noqa: PLC0415 - this process alone needs it, and the app

    from onboarding.config import Settings  # noqa: PLC0415
    from onboarding.local.inbox_pages import inbox_pages  # noqa: PLC0415
    from onboarding.runtime import AppContext  # noqa: PLC0415
    from onboarding.web.api.webhooks import publish_all  # noqa: PLC0415
    from onboarding.web.app import create_app  # noqa: PLC0415
    from onboarding.web.portal.rendering import LocalDemo  # noqa: PLC0415

    line = sys.stdin.buffer.readline()
    if not line:
        return
    told = json.loads(line)

    # boto3 asks the environment itself.
    os.environ.update(told["environment"])
    trial = LocalDemo(inbox_pages(Path(told["inbox"])), PEOPLE)
    app = create_app(AppContext(Settings.from_environment()), connections=SEATS, trial=trial)
    # What the engine forgot at its last end, the database remembers.
    publish_all(app.state.pool)
    config = uvicorn.Config(
        app,
        host=HOST,
        port=told["port"],
        log_level="warning",
        # The app writes its own lines, without the paths, which hold tokens.
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)

    def end_with_starter() -> None:
        while sys.stdin.buffer.read(1024):
            pass
        server.should_exit = True

    threading.Thread(target=end_with_starter, name="end-with-starter", daemon=True).start()
    server.run()


if __name__ == "__main__":
    _main()
