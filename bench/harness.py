"""Harness that runs a handler on a real PostgreSQL with AWS clients that do nothing."""

from __future__ import annotations

import contextlib
import io
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import urlsplit

from onboarding.local.postgres import Postgres
from onboarding.local.processes import Ports
from onboarding.runtime import AppContext, get_context
from onboarding.storage.database import Connection, Database, open_connection
from onboarding.storage.migrate import migrate

ENVIRONMENT = {
    "DYNAMODB_TABLE": "UploadRecords",
    "RDS_SECRET_NAME": "ecommerce/rds/credentials",
    "SQS_ERROR_QUEUE_URL": "http://127.0.0.1:9/000000000000/product-validation-errors",
    "S3_BUCKET_NAME": "ecommerce-product-uploads-000000000000",
    "SNS_TOPIC_ARN": "arn:aws:sns:us-east-1:000000000000:product-upload-notifications",
    "POWERTOOLS_METRICS_NAMESPACE": "EcommerceProductOnboarding",
    "POWERTOOLS_SERVICE_NAME": "bench",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_EC2_METADATA_DISABLED": "true",
    "LOG_LEVEL": "INFO",
}

MakeResponse = Callable[[Mapping[str, Any]], Any]
WRITTEN_AT = datetime(2024, 12, 21, 10, 30, 45, tzinfo=UTC)


class StubClient:
    """An AWS client whose every operation succeeds at once; `responses` computes the responses that are not empty."""

    class exceptions:  # noqa: N801 - boto3's name
        class ClientError(Exception): ...

    def __init__(self, responses: Mapping[str, MakeResponse] | None = None) -> None:
        self._responses = responses or {}

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        make_response = self._responses.get(operation)

        def call(**request: Any) -> Any:
            return make_response(request) if make_response else {}

        # An attribute from the second call on, as fast as a method of a real client.
        setattr(self, operation, call)
        return call


@dataclass
class Harness:
    """A database and stub clients; `context` is the one that every handler of this process uses."""

    url: str
    context: AppContext
    database: Database
    objects: dict[str, bytes] = field(default_factory=dict)

    def connect(self) -> Connection:
        """Open a connection to the database."""
        return open_connection(self.url)

    def create_database(self, name: str) -> Harness:
        """Return a harness with another database of the same server; `activate` makes the handlers use it."""
        with self.connect() as connection:
            connection.execute(f"create database {name}")
        url = urlsplit(self.url)._replace(path=f"/{name}").geturl()
        with open_connection(url) as connection:
            migrate(connection)
        return Harness(url, self.context, _database(url), self.objects)

    def activate(self) -> None:
        """Make the handlers use this database."""
        self.context.__dict__["database"] = self.database

    def truncate(self) -> None:
        """Delete all products and uploads."""
        with self.connect() as connection:
            connection.execute("truncate products, upload_history, validation_errors, quarantined_objects cascade")

    def open_upload(self, upload_id: str, rows: int, vendor_id: str) -> None:
        """Insert the history row as the parser does."""
        with self.connect() as connection:
            connection.execute(
                "insert into upload_history (upload_id, vendor_id, file_name, s3_key, s3_version_id, file_size_bytes, "
                "total_records, upload_timestamp) values (%s, %s, 'bench.csv', %s, 'v1', 1, %s, now())",
                (upload_id, vendor_id, f"uploads/{vendor_id}/{upload_id}.csv", rows),
            )

    def read_outcomes(self, upload_id: str) -> tuple[int, int, str]:
        """Return the valid and invalid rows of an upload, and its status."""
        with self.connect() as connection:
            row = connection.execute(
                "select valid_records, error_records, status from upload_history where upload_id = %s", (upload_id,)
            ).fetchone()
        assert row is not None, upload_id  # noqa: S101 - the harness opened it
        return row[0], row[1], row[2]

    def count_errors(self) -> int:
        """Return the number of errors of all uploads."""
        with self.connect() as connection:
            [(count,)] = connection.execute("select count(*) from validation_errors").fetchall()
        return int(count)


@contextmanager
def start_harness() -> Iterator[Harness]:
    """Start a new PostgreSQL server and use it in this process until the end of the block."""
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        state = Path(directory)
        postgres = Postgres(state, Ports(state / "ports.json").choose("postgres"))
        postgres.start(lambda: None)
        try:
            with open_connection(postgres.url) as connection:
                migrate(connection)
            with use_database(postgres.url) as harness:
                yield harness
        finally:
            postgres.stop()


@contextmanager
def use_database(url: str) -> Iterator[Harness]:
    """Use an existing database in this process until the end of the block."""
    os.environ.update(ENVIRONMENT)
    get_context.cache_clear()
    ctx = get_context()
    harness = Harness(url, ctx, _database(url))
    harness.activate()
    s3 = StubClient({"get_object": lambda request: _object(harness.objects[request["Key"]])})
    ctx.__dict__.update(s3=s3, sqs=StubClient(), sns=StubClient(), dynamodb=StubClient())
    try:
        yield harness
    finally:
        harness.database.close()
        get_context.cache_clear()


def _database(url: str) -> Database:
    return Database(lambda *, fresh=False: {"conninfo": url})


def _object(content: bytes) -> dict[str, Any]:
    # A copy, like bytes from the network.
    body = io.BytesIO(bytes(memoryview(content)))
    return {"Body": body, "ContentLength": len(content), "LastModified": WRITTEN_AT, "Metadata": {}}


@contextmanager
def discard_output() -> Iterator[None]:
    """Discard the log lines and metrics that handlers write to standard output.

    Import handlers inside the block: their logger keeps the standard output of that time.
    """
    with contextlib.redirect_stdout(_null()):
        yield


@cache
def _null() -> TextIO:
    return Path(os.devnull).open("w")


def finished_message(upload_id: str, vendor_id: str) -> str:
    """Return the queue message of a complete upload."""
    return json.dumps({"event": "upload_finished", "upload_id": upload_id, "vendor_id": vendor_id})
