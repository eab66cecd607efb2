"""AWS emulator of the local stack (ministack) as a child process in its own process group."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from onboarding.local.endpoints import emulator_client
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

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

REGION = "us-east-1"
# The emulator's root credentials. They are no secret: it listens only on the loopback address.
ROOT_KEY = ROOT_SECRET = "test"  # noqa: S105
STOP_TIMEOUT = 5


class AwsEmulator:
    """The AWS emulator: call `spawn` and `wait_ready`, use `url`, call `stop`.

    Only the objects in buckets survive a restart.
    """

    def __init__(
        self,
        state: Path,
        port: int,
        smtp_port: int,
        environment: Mapping[str, str] | None = None,
        *,
        origin: str | None = None,
    ) -> None:
        """Prepare the process. Browsers can send requests to it only from pages of `origin`, the portal's origin."""
        self.port = port
        self.url = f"http://{HOST}:{port}"
        self.log = private_directory(state / "logs") / "emulator.log"
        self.process: subprocess.Popen[bytes] | None = None
        self._temporary = state / "tmp"
        self._directory = private_directory(state / "emulator")
        # The emulator passes its environment on to the functions.
        variables = self._environment = {
            **make_child_environment(),
            "GATEWAY_PORT": str(port),
            "BIND_HOST": HOST,
            "MINISTACK_HOST": HOST,
            "MINISTACK_REGION": REGION,
            "AUTH": "true",
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(private_directory(state / "s3")),
            "STATE_DIR": str(self._directory),
            "TMPDIR": str(self._temporary),
            "SMTP_HOST": f"{HOST}:{smtp_port}",
            # As on AWS, asynchronous calls of functions are retried after one and three minutes.
            "LAMBDA_ASYNC_RETRY_BASE_SECONDS": "60",
            "LAMBDA_ASYNC_RETRY_MAX_SECONDS": "120",
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "LOG_LEVEL": "WARNING",
            "AWS_ACCESS_KEY_ID": ROOT_KEY,
            "AWS_SECRET_ACCESS_KEY": ROOT_SECRET,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self.url,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            # All output of a function is written to its log, where warnings of libraries are not useful.
            "PYTHONWARNINGS": "ignore",
            "PYTHONUNBUFFERED": "1",
            **(environment or {}),
        }
        # Functions may use another address that forwards to this one, such as one that counts their calls.
        hosts = (f"{HOST}:{port}", f"localhost:{port}", urlsplit(variables["AWS_ENDPOINT_URL"]).netloc)
        self._arguments = [",".join(hosts), *([origin] if origin else [])]

    def spawn(self) -> None:
        """Start the process, which responds after `wait_ready`."""
        self._clear()
        private_directory(self._temporary)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-m", "onboarding.local.emulator_process", *self._arguments],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._directory,
                env=self._environment,
                start_new_session=True,
            )

    def wait_ready(self, check: Check) -> None:
        """Wait until the emulator responds. Raises LocalError if it ends before."""
        while not is_responding(self.port, "/_ministack/ready"):
            if self.process is None or self.process.poll() is not None:
                raise LocalError(f"the AWS emulator did not start; {self.log} ends:\n{read_log_tail(self.log)}")
            pause(check)

    def client(self, service: str) -> Any:
        """Return a boto3 client with the permissions of the emulator's root."""
        return emulator_client(service, self.url, REGION, ROOT_KEY, ROOT_SECRET)

    def stop(self) -> None:
        """Stop the emulator and all its worker processes."""
        if self.process is None:
            return
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_TIMEOUT)
        # Workers that process a call outlive the emulator.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process = None
        self._clear()

    def _clear(self) -> None:
        """Remove the temporary directories of worker processes."""
        shutil.rmtree(self._temporary, ignore_errors=True)
