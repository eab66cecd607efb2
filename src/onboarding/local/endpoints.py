"""Where a running local engine is: `endpoints.json` in its state directory, and AWS clients made from it."""

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
"""The state directory where none is named, in the working directory."""

FILE_NAME = "endpoints.json"

LOCK = "lock"
"""The file in a state directory that is locked while a local stack runs on it, with that process's id."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """What another process needs to use the running engine. `pid` is the process that runs it.

    `state` is its state directory: a copy of that directory has a copy of the file, which is about the original.
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
    mail_claims_table: str
    secret_name: str
    database_url: str
    inbox_dir: str
    link_base_url: str
    portal_url: str
    log_dir: str
    pid: int

    def environment(self) -> dict[str, str]:
        """The environment that leads any AWS client, and this package's steps, to the engine."""
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
            "MAIL_CLAIMS_TABLE": self.mail_claims_table,
            "RDS_SECRET_NAME": self.secret_name,
            "DATABASE_SSLMODE": "prefer",
        }

    def client(self, service: str) -> Any:
        """A boto3 client of the engine, whatever the environment says."""
        return engine_client(
            service, self.aws_endpoint_url, self.aws_region, self.aws_access_key_id, self.aws_secret_access_key
        )


def engine_client(service: str, url: str, region: str, key: str, secret: str) -> Any:
    """A boto3 client of the engine at `url`."""
    # A proxy of the environment must not come between this machine and itself.
    config = Config(proxies={}, retries={"mode": "standard"}, s3={"addressing_style": "path"})
    return _session(region, key, secret).client(service, endpoint_url=url, config=config)


@cache
def _session(region: str, key: str, secret: str) -> Any:
    """One session for all clients: each reads some megabytes of tables about AWS."""
    return boto3.session.Session(aws_access_key_id=key, aws_secret_access_key=secret, region_name=region)


def write_endpoints(state: Path, endpoints: Endpoints) -> None:
    """Announce a running engine."""
    write_atomically(state / FILE_NAME, json.dumps(asdict(endpoints), indent=2) + "\n")


def remove_endpoints(state: Path) -> None:
    """Take the announcement back."""
    (state / FILE_NAME).unlink(missing_ok=True)


def read_endpoints(state: Path = DEFAULT_STATE) -> Endpoints | None:
    """The engine that runs on `state`, or None. A file that a killed engine left behind, or that is a copy of another
    state's, counts as none."""
    holder = _lock_holder(state)
    if holder is None:
        return None
    try:
        values = json.loads((state / FILE_NAME).read_text())
    except FileNotFoundError:
        return None
    endpoints = Endpoints(**{field.name: values[field.name] for field in fields(Endpoints)})
    return endpoints if (endpoints.state, endpoints.pid) == (str(state.resolve()), holder) else None


def _lock_holder(state: Path) -> int | None:
    """Return the process that runs a local stack on `state`. A process id alone may be another process's by now."""
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
