"""What a handler runs in here: a real PostgreSQL, and AWS clients that do nothing but count."""

from __future__ import annotations

import contextlib
import io
import json
import os
import tempfile
from collections import Counter
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

Answer = Callable[[Mapping[str, Any]], Any]
WRITTEN_AT = datetime(2024, 12, 21, 10, 30, 45, tzinfo=UTC)


@dataclass
class Calls:
    """What was asked of AWS: calls by operation, and DynamoDB's write units."""

    made: Counter[str] = field(default_factory=Counter)
    # One entry for each call: several are made at once.
    units: list[int] = field(default_factory=list)

    def clear(self) -> None:
        self.made.clear()
        self.units.clear()


class DoNothing:
    """An AWS client whose every operation succeeds at once and is counted; `answers` are for those that return."""

    class exceptions:  # noqa: N801 - so named in boto3's clients
        class ClientError(Exception): ...

    def __init__(self, calls: Calls, answers: Mapping[str, Answer] | None = None) -> None:
        self._calls = calls
        self._answers = answers or {}

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        answer = self._answers.get(operation)

        def call(**request: Any) -> Any:
            self._calls.made[operation] += 1
            return answer(request) if answer else {}

        # Found the usual way from now on: a client's methods are no slower.
        setattr(self, operation, call)
        return call


def _weigh(calls: Calls) -> Answer:
    """An answer of `batch_write_item` that counts what DynamoDB would charge: table and index, a unit for each KB."""

    def answer(request: Mapping[str, Any]) -> dict[str, Any]:
        for requests in request["RequestItems"].values():
            calls.units.append(sum(2 * units_of(put["PutRequest"]["Item"]) for put in requests))
        return {}

    return answer


def units_of(item: Mapping[str, Any]) -> int:
    return -(-sum(len(name.encode()) + _size(value) for name, value in item.items()) // 1024)


def _size(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    if kind == "M":
        return 3 + sum(1 + len(name.encode()) + _size(inner) for name, inner in content.items())
    # A number takes a byte for two digits, and one more.
    return len(content) // 2 + 2 if kind == "N" else len(content.encode())


@dataclass
class Stand:
    """A handler's surroundings: `context` is the one that every handler of this process gets."""

    url: str
    context: AppContext
    calls: Calls
    database: Database
    objects: dict[str, bytes] = field(default_factory=dict)

    def connect(self) -> Connection:
        return open_connection(self.url)

    def beside(self, name: str) -> Stand:
        """A database more in the same server, with surroundings that are otherwise these; see `take_over`."""
        with self.connect() as connection:
            connection.execute(f"create database {name}")
        url = urlsplit(self.url)._replace(path=f"/{name}").geturl()
        with open_connection(url) as connection:
            migrate(connection)
        return Stand(url, self.context, self.calls, _database(url), self.objects)

    def take_over(self) -> None:
        """From now on the handlers work in this database."""
        self.context.__dict__["database"] = self.database

    def empty(self) -> None:
        """Back to what the migrations left, but for vendors and categories."""
        with self.connect() as connection:
            connection.execute("truncate products, upload_history, validation_errors, quarantined_objects cascade")
        self.calls.clear()

    def weigh_writes(self) -> None:
        """From now on count DynamoDB's write units as well, which takes time of its own."""
        self.context.__dict__["dynamodb"] = DoNothing(self.calls, {"batch_write_item": _weigh(self.calls)})

    def open_upload(self, upload_id: str, rows: int, vendor_id: str) -> None:
        """The history row, as the parser opens it."""
        with self.connect() as connection:
            connection.execute(
                "insert into upload_history (upload_id, vendor_id, file_name, s3_key, s3_version_id, file_size_bytes, "
                "total_records, upload_timestamp) values (%s, %s, 'bench.csv', %s, 'v1', 1, %s, now())",
                (upload_id, vendor_id, f"uploads/{vendor_id}/{upload_id}.csv", rows),
            )

    def outcomes(self, upload_id: str) -> tuple[int, int, str]:
        """Valid and invalid rows of an upload, and its status."""
        with self.connect() as connection:
            found = connection.execute(
                "select valid_records, error_records, status from upload_history where upload_id = %s", (upload_id,)
            ).fetchone()
        assert found is not None, upload_id  # noqa: S101 - the harness lost its own upload
        return found[0], found[1], found[2]


@contextmanager
def stand() -> Iterator[Stand]:
    """A fresh PostgreSQL and this process's context on it, until the end of the block."""
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        state = Path(directory)
        postgres = Postgres(state, Ports(state / "ports.json").choose("postgres"))
        postgres.start(lambda: None)
        try:
            with open_connection(postgres.url) as connection:
                migrate(connection)
            with on_database(postgres.url) as here:
                yield here
        finally:
            postgres.stop()


@contextmanager
def on_database(url: str) -> Iterator[Stand]:
    """This process's context on a database that is there already, until the end of the block."""
    os.environ.update(ENVIRONMENT)
    get_context.cache_clear()
    ctx = get_context()
    calls = Calls()
    here = Stand(url, ctx, calls, _database(url))
    here.take_over()
    s3 = DoNothing(calls, {"get_object": lambda request: _object(here.objects[request["Key"]])})
    ctx.__dict__.update(s3=s3, sqs=DoNothing(calls), sns=DoNothing(calls), dynamodb=DoNothing(calls))
    try:
        yield here
    finally:
        here.database.close()
        get_context.cache_clear()


def _database(url: str) -> Database:
    return Database(lambda *, fresh=False: {"conninfo": url})


def _object(content: bytes) -> dict[str, Any]:
    # A copy, as bytes from a network are.
    body = io.BytesIO(bytes(memoryview(content)))
    return {"Body": body, "ContentLength": len(content), "LastModified": WRITTEN_AT, "Metadata": {}}


@contextmanager
def quiet() -> Iterator[None]:
    """Handlers write log lines and metrics to standard output: here they go nowhere.

    Import handlers inside: their logger keeps the standard output that it finds.
    """
    with contextlib.redirect_stdout(_nowhere()):
        yield


@cache
def _nowhere() -> TextIO:
    return Path(os.devnull).open("w")


def finished_message(upload_id: str, vendor_id: str) -> str:
    return json.dumps({"event": "upload_finished", "upload_id": upload_id, "vendor_id": vendor_id})
