"""Endpoints of a running local stack: `endpoints.json` in its state directory, and AWS clients for it."""

from __future__ import annotations

import fcntl
import json
from dataclasses import asdict, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from onboarding.local.state_files import write_atomically

DEFAULT_STATE = Path(".onboarding")
"""The default state directory, in the working directory."""

FILE_NAME = "endpoints.json"

LOCK = "lock"
"""The file in a state directory that a running local stack locks; it contains the id of its process."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Endpoints and settings with which another process uses the running local stack, whose process is `pid`.

    `state` is its state directory, so that a copy of the directory is not mistaken for it.
    """

    state: str
    aws_endpoint_url: str
    aws_region: str
    aws_access_key_id: str
    aws_secret_access_key: str
    bucket: str
    table: str
    error_queue_url: str
    topic_arn: str
    email_claims_table: str
    secret_name: str
    database_url: str
    inbox_dir: str
    link_base_url: str
    portal_url: str
    log_dir: str
    pid: int

    def environment(self) -> dict[str, str]:
        """Return the environment variables with which AWS clients and this package use the local stack."""
        return {
            "AWS_ENDPOINT_URL": self.aws_endpoint_url,
            "AWS_REGION": self.aws_region,
            "AWS_DEFAULT_REGION": self.aws_region,
            "AWS_ACCESS_KEY_ID": self.aws_access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.aws_secret_access_key,
            "S3_BUCKET_NAME": self.bucket,
            "DYNAMODB_TABLE": self.table,
            "SQS_ERROR_QUEUE_URL": self.error_queue_url,
            "SNS_TOPIC_ARN": self.topic_arn,
            "EMAIL_CLAIMS_TABLE": self.email_claims_table,
            "RDS_SECRET_NAME": self.secret_name,
            "DATABASE_SSLMODE": "prefer",
        }

    def client(self, service: str) -> Any:
        """Return a boto3 client of the AWS emulator, independent of the environment."""
        return emulator_client(
            service, self.aws_endpoint_url, self.aws_region, self.aws_access_key_id, self.aws_secret_access_key
        )


def emulator_client(service: str, url: str, region: str, key: str, secret: str) -> Any:
    """Return a boto3 client of the AWS emulator at `url`."""
    # Without the proxies of the environment: the emulator is on this machine.
    config = Config(proxies={}, retries={"mode": "standard"}, s3={"addressing_style": "path"})
    return _session(region, key, secret).client(service, endpoint_url=url, config=config)


@cache
def _session(region: str, key: str, secret: str) -> Any:
    """Return a session that all clients share: each session reads some megabytes of AWS models."""
    return boto3.session.Session(aws_access_key_id=key, aws_secret_access_key=secret, region_name=region)


def write_endpoints(state: Path, endpoints: Endpoints) -> None:
    """Write the endpoints of a running local stack to its state directory."""
    write_atomically(state / FILE_NAME, json.dumps(asdict(endpoints), indent=2) + "\n")


def remove_endpoints(state: Path) -> None:
    """Remove the endpoints from a state directory."""
    (state / FILE_NAME).unlink(missing_ok=True)


def read_endpoints(state: Path = DEFAULT_STATE) -> Endpoints | None:
    """Return the endpoints of the local stack that runs on `state`, or None.

    A file that a killed local stack left, or that was copied from another state directory, is ignored.
    """
    lock_holder = _get_lock_holder(state)
    if lock_holder is None:
        return None
    try:
        values = json.loads((state / FILE_NAME).read_text())
    except FileNotFoundError:
        return None
    endpoints = Endpoints(**{field.name: values[field.name] for field in fields(Endpoints)})
    return endpoints if (endpoints.state, endpoints.pid) == (str(state.resolve()), lock_holder) else None


def _get_lock_holder(state: Path) -> int | None:
    """Return the id of the process that runs a local stack on `state`, or None.

    Only the lock proves that it runs: the id in the file may belong to another process by now.
    """
    try:
        with (state / LOCK).open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                pid = file.read()
                return int(pid) if pid.isdecimal() else None
    except (FileNotFoundError, NotADirectoryError):
        pass
    return None
