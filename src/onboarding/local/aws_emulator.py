"""The engine that answers as AWS: ministack, in a process group of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from onboarding.local.endpoints import engine_client
from onboarding.local.processes import HOST, Check, LocalError, answers, clean_environment, log_tail, pause
from onboarding.local.state_files import private_directory

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

REGION = "us-east-1"
# The engine's root. It listens to this machine alone, where these are no secret.
ROOT_KEY = ROOT_SECRET = "test"  # noqa: S105
STOP_SECONDS = 5


class Engine:
    """One engine: `spawn`, `wait_ready`, use `url`, `stop`. It keeps the buckets' objects and forgets all else."""

    def __init__(
        self,
        state: Path,
        port: int,
        smtp_port: int,
        environment: Mapping[str, str] | None = None,
        *,
        origin: str | None = None,
    ) -> None:
        """`origin` is the portal's: pages of no other may send requests."""
        self.port = port
        self.url = f"http://{HOST}:{port}"
        self.log = private_directory(state / "logs") / "engine.log"
        self.process: subprocess.Popen[bytes] | None = None
        self._temporary = state / "tmp"
        self._directory = private_directory(state / "engine")
        # The engine hands its environment on to the functions.
        variables = self._environment = {
            **clean_environment(),
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
            # As on AWS, functions that are called asynchronously are tried again after one and three minutes.
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
            # Each line that a function writes is carried into its log; a library's warnings are nobody's business here.
            "PYTHONWARNINGS": "ignore",
            "PYTHONUNBUFFERED": "1",
            **(environment or {}),
        }
        # Functions may be led here by another address, such as one that counts their calls.
        hosts = (f"{HOST}:{port}", f"localhost:{port}", urlsplit(variables["AWS_ENDPOINT_URL"]).netloc)
        self._arguments = [",".join(hosts), *([origin] if origin else [])]

    def spawn(self) -> None:
        """Start the process; it is of no use before `wait_ready`."""
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
        """Return once the engine answers."""
        while not answers(self.port, "/_ministack/ready"):
            if self.process is None or self.process.poll() is not None:
                raise LocalError(f"the engine did not start; {self.log} ends:\n{log_tail(self.log)}")
            pause(check)

    def client(self, service: str) -> Any:
        """A boto3 client with the rights of the engine's root."""
        return engine_client(service, self.url, REGION, ROOT_KEY, ROOT_SECRET)

    def stop(self) -> None:
        """End the engine and every worker that it started."""
        if self.process is None:
            return
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_SECONDS)
        # Workers in the middle of a call outlive the engine that waits for them.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process = None
        self._clear()

    def _clear(self) -> None:
        """Workers leave their directories behind."""
        shutil.rmtree(self._temporary, ignore_errors=True)
