"""The pipeline on the local stack for tests: put a file, wait for its result, look into every store."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, TypeVar

from onboarding.domain.models import Upload, UploadStatus
from onboarding.domain.product_schema import COLUMNS
from onboarding.local.delivered_emails import Email, read_emails
from onboarding.local.endpoints import Endpoints
from onboarding.pipeline.ingest import S3ObjectVersion
from onboarding.storage import uploads
from onboarding.storage.database import open_connection

Result = TypeVar("Result")

PATIENCE = 180.0
"""Seconds until a condition that does not come true fails a test; none takes nearly as long."""


def product(name: str, **cells: str) -> dict[str, str]:
    """A row that passes every rule, unique by `name`; `cells` replace its values."""
    return (
        dict.fromkeys(COLUMNS, "")
        | {
            "vendor_product_id": f"PROD-{name}",
            "product_name": f"Wireless Mouse - Model {name}",
            "category": "Computer Accessories",
            "subcategory": "Mice & Keyboards",
            "description": "Ergonomic wireless mouse",
            "sku": f"SKU-{name}",
            "brand": "TechGear",
            "price": "19.99",
            "stock_quantity": "150",
            "unit": "piece",
            "weight_kg": "0.25",
            "dimensions_cm": "12x8x4",
            "image_url": "https://images.example.com/mouse.jpg",
        }
        | cells
    )


def csv_of(rows: Iterable[Mapping[str, str]], columns: Iterable[str] = COLUMNS) -> bytes:
    """A CSV file as a vendor writes one."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(columns), extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def wait_until(condition: Callable[[], Result | None], what: str) -> Result:
    """The first true value of `condition`; fails the test when none comes."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.02)
    raise AssertionError(f"waited in vain for {what}")


class Pipeline:
    """A running engine, from outside: the way of a vendor and of an operator."""

    def __init__(self, endpoints: Endpoints) -> None:
        self.endpoints = endpoints
        self.s3 = endpoints.client("s3")
        self.dynamodb = endpoints.client("dynamodb")
        self.sqs = endpoints.client("sqs")
        self.lambdas = endpoints.client("lambda")
        self.connection = open_connection(endpoints.database_url)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def put(self, vendor_id: str, file_name: str, content: bytes, **metadata: str) -> str:
        """Put a file where its vendor puts it; returns the id that its upload gets."""
        return self.upload_id(self.put_key(f"uploads/{vendor_id}/{file_name}", content, **metadata))

    def put_key(self, key: str, content: bytes, **metadata: str) -> S3ObjectVersion:
        """Put an object; `on_error` is the metadata `on-error`, and so on."""
        said = {name.replace("_", "-"): value for name, value in metadata.items()}
        answer = self.s3.put_object(Bucket=self.endpoints.bucket, Key=key, Body=content, Metadata=said)
        return S3ObjectVersion(self.endpoints.bucket, key, answer["VersionId"])

    @contextmanager
    def without_bucket_notifications(self) -> Iterator[None]:
        """S3 tells nobody of the objects that are put within the block."""
        bucket = self.endpoints.bucket
        configuration = self.s3.get_bucket_notification_configuration(Bucket=bucket)
        configuration.pop("ResponseMetadata", None)
        self.s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
        try:
            yield
        finally:
            self.s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=configuration)

    @contextmanager
    def without_schedules(self) -> Iterator[None]:
        """No schedule starts the watchdog within the block."""
        events = self.endpoints.client("events")
        rules = [rule["Name"] for rule in events.list_rules()["Rules"] if "ScheduleExpression" in rule]
        for name in rules:
            events.disable_rule(Name=name)
        try:
            yield
        finally:
            for name in rules:
                events.enable_rule(Name=name)

    def upload_id(self, source: S3ObjectVersion) -> str:
        head = self.s3.head_object(Bucket=source.bucket, Key=source.key, VersionId=source.version_id)
        return source.upload_id(head["LastModified"])

    def upload(self, upload_id: str) -> Upload | None:
        return uploads.get_upload(self.connection, upload_id)

    def finished(self, upload_id: str) -> Upload:
        """The upload once it is finished and its vendor was told."""

        def notified() -> Upload | None:
            upload = self.upload(upload_id)
            return upload if upload and upload.status is not UploadStatus.PROCESSING and upload.notified_at else None

        upload = wait_until(notified, f"{upload_id} to finish")
        self.mail(upload_id)
        return upload

    def run(self, vendor_id: str, file_name: str, content: bytes, **metadata: str) -> Upload:
        """Put a file and wait for its end."""
        return self.finished(self.put(vendor_id, file_name, content, **metadata))

    def mails(self, upload_id: str) -> list[Email]:
        return [mail for mail in read_emails(Path(self.endpoints.inbox_dir)) if upload_id in mail.text]

    def mail(self, upload_id: str) -> Email:
        """The first mail about an upload, once it is there."""
        return wait_until(lambda: self.mails(upload_id), f"the mail about {upload_id}")[0]

    def report(self, upload: Upload) -> str:
        return self.content(upload.error_file_s3_key).decode("utf-8-sig")

    def content(self, key: str | None) -> bytes:
        """An object's bytes."""
        return bytes(self.s3.get_object(Bucket=self.endpoints.bucket, Key=key)["Body"].read())

    def errors(self, upload_id: str) -> list[tuple[int, str, str]]:
        """Row, error type and message of each error."""
        return [
            (line.row_number, line.error.error_type, line.error.message)
            for line in uploads.stream_report_rows(self.connection, upload_id)
        ]

    def products(self, upload_id: str) -> list[dict[str, Any]]:
        """The products that an upload put into the catalog, in the order of its rows."""
        cursor = self.connection.execute(
            "select * from products where upload_id = %s order by row_number", (upload_id,)
        )
        names = [column.name for column in cursor.description or []]
        return [dict(zip(names, values, strict=True)) for values in cursor]

    def item(self, upload_id: str, row_number: int) -> dict[str, Any]:
        """A staged row as the table has it."""
        key = {"upload_id": {"S": upload_id}, "record_id": {"S": f"REC_{row_number:05d}"}}
        return dict(self.dynamodb.get_item(TableName=self.endpoints.table, Key=key).get("Item", {}))

    def validated_item(self, upload_id: str, row_number: int) -> dict[str, Any]:
        """The same once the validator has given it its status, which happens after the database knows the outcome."""

        def judged() -> dict[str, Any] | None:
            item = self.item(upload_id, row_number)
            return item if item and item["status"]["S"] != "pending_validation" else None

        return wait_until(judged, f"the status of row {row_number} of {upload_id}")

    def vendor(self, vendor_id: str, status: str = "active") -> str:
        """A vendor of the test's own; returns its e-mail address."""
        email = f"{vendor_id.lower()}@vendors.example"
        self.connection.execute(
            "insert into vendors (vendor_id, vendor_name, email, status) values (%s, %s, %s, %s) "
            "on conflict (vendor_id) do update set status = excluded.status",
            (vendor_id, f"Vendor {vendor_id}", email, status),
        )
        return email
