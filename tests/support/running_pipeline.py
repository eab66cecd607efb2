"""Client of the pipeline on the local stack: puts files, waits for results, and reads every store."""

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
from onboarding.storage import uploads, validation_errors
from onboarding.storage.database import open_connection
from onboarding.storage.upload_sessions import UploadPurpose, get_upload_purpose

Result = TypeVar("Result")

PATIENCE = 180.0
"""Seconds after which waiting for a condition fails a test."""


def product(name: str, **cells: str) -> dict[str, str]:
    """Return a valid row, unique by `name`; `cells` replace its values."""
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
    """Return a CSV file with a header."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(columns), extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def wait_until(condition: Callable[[], Result | None], description: str) -> Result:
    """Return the first true value of `condition`; raise AssertionError after `PATIENCE`."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.02)
    raise AssertionError(f"timed out waiting for {description}")


class Pipeline:
    """Access to a running pipeline, as vendors and operators have it."""

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
        """Put a file of a vendor into the bucket; return the id of its upload."""
        return self.upload_id(self.put_key(f"uploads/{vendor_id}/{file_name}", content, **metadata))

    def put_key(self, key: str, content: bytes, **metadata: str) -> S3ObjectVersion:
        """Put an object with metadata: the argument `on_error` becomes `on-error`, and so on."""
        s3_metadata = {name.replace("_", "-"): value for name, value in metadata.items()}
        response = self.s3.put_object(Bucket=self.endpoints.bucket, Key=key, Body=content, Metadata=s3_metadata)
        return S3ObjectVersion(self.endpoints.bucket, key, response["VersionId"])

    @contextmanager
    def without_bucket_notifications(self) -> Iterator[None]:
        """Disable the S3 events of objects that are put within the block."""
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
        """Disable the schedules of the watchdog within the block."""
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
        """Wait until an upload is finished and its e-mail is delivered; return the upload.

        No e-mail is sent about accepted edits.
        """

        def notified() -> Upload | None:
            upload = self.upload(upload_id)
            return upload if upload and upload.status is not UploadStatus.PROCESSING and upload.notified_at else None

        upload = wait_until(notified, f"{upload_id} to finish")
        is_edit = get_upload_purpose(self.connection, upload.s3_key) is UploadPurpose.EDIT
        if not is_edit or upload.status is not UploadStatus.COMPLETED:
            self.email(upload_id)
        return upload

    def run(self, vendor_id: str, file_name: str, content: bytes, **metadata: str) -> Upload:
        """Put a file, wait until its upload is finished, and return the upload."""
        return self.finished(self.put(vendor_id, file_name, content, **metadata))

    def emails(self, upload_id: str) -> list[Email]:
        return [email for email in read_emails(Path(self.endpoints.inbox_dir)) if upload_id in email.text]

    def email(self, upload_id: str) -> Email:
        """Wait for the first e-mail about an upload and return it."""
        return wait_until(lambda: self.emails(upload_id), f"the e-mail about {upload_id}")[0]

    def report(self, upload: Upload) -> str:
        return self.content(upload.error_file_s3_key).decode("utf-8-sig")

    def content(self, key: str | None) -> bytes:
        """Return the content of an object."""
        return bytes(self.s3.get_object(Bucket=self.endpoints.bucket, Key=key)["Body"].read())

    def errors(self, upload_id: str) -> list[tuple[int, str, str]]:
        """Return the row number, error type and message of each error."""
        return [
            (line.row_number, line.error.error_type, line.error.message)
            for line in validation_errors.stream_report_rows(self.connection, upload_id)
        ]

    def products(self, upload_id: str) -> list[dict[str, Any]]:
        """Return the products that an upload created, ordered by row."""
        cursor = self.connection.execute(
            "select * from products where upload_id = %s order by row_number", (upload_id,)
        )
        names = [column.name for column in cursor.description or []]
        return [dict(zip(names, values, strict=True)) for values in cursor]

    def item(self, upload_id: str, row_number: int) -> dict[str, Any]:
        """Return the item of a staged row, or an empty dict."""
        key = {"upload_id": {"S": upload_id}, "record_id": {"S": f"REC_{row_number:05d}"}}
        return dict(self.dynamodb.get_item(TableName=self.endpoints.table, Key=key).get("Item", {}))

    def validated_item(self, upload_id: str, row_number: int) -> dict[str, Any]:
        """Wait until the item of a row has its final status, which is written after the outcome; return the item."""

        def validated() -> dict[str, Any] | None:
            item = self.item(upload_id, row_number)
            return item if item and item["status"]["S"] != "pending_validation" else None

        return wait_until(validated, f"the status of row {row_number} of {upload_id}")

    def vendor(self, vendor_id: str, status: str = "active") -> str:
        """Create a vendor or set its status; return its e-mail address."""
        email = f"{vendor_id.lower()}@vendors.example"
        self.connection.execute(
            "insert into vendors (vendor_id, vendor_name, email, status) values (%s, %s, %s, %s) "
            "on conflict (vendor_id) do update set status = excluded.status",
            (vendor_id, f"Vendor {vendor_id}", email, status),
        )
        return email
