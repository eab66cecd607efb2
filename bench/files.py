"""Vendors' files and events for the benchmarks: seeded, 5 % of the rows invalid, every rule among them."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from onboarding.aws import staging_table
from onboarding.cli.sample_data import make_sample_rows
from onboarding.domain.models import FileRejection, Row
from onboarding.domain.product_schema import COLUMNS
from onboarding.files.parser import MAX_BYTES, parse

VENDOR = "VEND001"
INVALID = 0.05
SEED = 7

Event = dict[str, Any]


def csv_file(rows: int, run: str, *, invalid: float = INVALID) -> bytes:
    """Return a vendor's file, the same for equal arguments; another `run` has other IDs and SKUs."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(make_sample_rows(VENDOR, rows, invalid, SEED, run))
    return text.getvalue().encode()


def largest_file(run: str) -> bytes:
    """Return a file with the most rows and nearly the most bytes that are allowed."""
    rows = make_sample_rows(VENDOR, 10_000, INVALID, SEED, run)
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows({**cells, "description": (cells["description"] or "x").ljust(790, ".")} for cells in rows)
    content = text.getvalue().encode()
    assert MAX_BYTES * 0.9 < len(content) <= MAX_BYTES, len(content)  # noqa: S101 - the benchmark's own file
    return content


def invalid_file(rows: int) -> bytes:
    """Return a file of long rows that each break many rules; 10,000 rows have nearly the most bytes allowed."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for cells in make_sample_rows(VENDOR, rows, 0, SEED, "invalid"):
        invalid_cells = dict.fromkeys(("category", "price", "compare_at_price", "stock_quantity", "weight_kg"), "none")
        writer.writerow(
            {**cells, **invalid_cells, "product_name": "long ".ljust(750, "."), "unit": "metres of the whole roll"}
        )
    content = text.getvalue().encode()
    assert len(content) <= MAX_BYTES, len(content)  # noqa: S101 - the benchmark's own file
    return content


def parse_rows(content: bytes, upload_id: str, vendor_id: str = VENDOR) -> list[Row]:
    """Parse a file into rows. Raises TypeError for a rejected file."""
    parsed = parse(content, upload_id, vendor_id)
    if isinstance(parsed, FileRejection):
        raise TypeError(parsed.reason)
    return list(parsed.rows)


def stream_events(rows: Sequence[Row], size: int) -> list[Event]:
    """Return the stream's events for these rows in batches of `size`, made of the items that the parser stages."""
    records = [_record(number, staging_table.to_item(row)) for number, row in enumerate(rows, 1)]
    return [{"Records": records[start : start + size]} for start in range(0, len(records), size)]


def _record(number: int, item: Mapping[str, Any]) -> Event:
    key = {name: item[name] for name in ("upload_id", "record_id")}
    return {
        "eventID": f"{number:032x}",
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1_734_777_045,
            "Keys": key,
            "NewImage": item,
            "SequenceNumber": str(number),
            "SizeBytes": 600,
            "StreamViewType": "NEW_IMAGE",
        },
    }


def s3_event(bucket: str, key: str, version_id: str) -> Event:
    """Return S3's event for a new object."""
    described = {"key": key, "size": 1, "eTag": "", "versionId": version_id, "sequencer": "0"}
    return {
        "Records": [
            {
                "eventSource": "aws:s3",
                "eventName": "ObjectCreated:Put",
                "s3": {"bucket": {"name": bucket, "arn": f"arn:aws:s3:::{bucket}"}, "object": described},
            }
        ]
    }


def queue_event(*bodies: str) -> Event:
    """Return the event of SQS for messages with these bodies."""
    return {
        "Records": [
            {
                "messageId": str(number),
                "receiptHandle": str(number),
                "body": body,
                "attributes": {"ApproximateReceiveCount": "1"},
                "messageAttributes": {},
                "eventSource": "aws:sqs",
            }
            for number, body in enumerate(bodies)
        ]
    }
