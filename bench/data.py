"""The files that are measured: seeded, 5 % of their rows broken, every rule among them."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from onboarding.aws import staging_table
from onboarding.cli.sample_data import sample_rows
from onboarding.domain.models import Row
from onboarding.domain.product_schema import COLUMNS
from onboarding.files.models import FileRejection
from onboarding.files.parser import MAX_BYTES, parse

VENDOR = "VEND001"
BAD = 0.05
SEED = 7

Event = dict[str, Any]


def csv_file(rows: int, run: str, *, bad: float = BAD) -> bytes:
    """A vendor's file. The same arguments give the same one; another `run` has other ids and SKUs."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(sample_rows(VENDOR, rows, bad, SEED, run))
    return text.getvalue().encode()


def largest_file(run: str) -> bytes:
    """As many rows and nearly as many bytes as a file may have."""
    rows = sample_rows(VENDOR, 10_000, BAD, SEED, run)
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows({**cells, "description": (cells["description"] or "x").ljust(790, ".")} for cells in rows)
    content = text.getvalue().encode()
    assert MAX_BYTES * 0.9 < len(content) <= MAX_BYTES, len(content)  # noqa: S101 - a file that says nothing
    return content


def hopeless_file(rows: int) -> bytes:
    """A file of which every row is long and breaks many rules; 10,000 rows are as many bytes as a file may have."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for cells in sample_rows(VENDOR, rows, 0, SEED, "hopeless"):
        wrong = dict.fromkeys(("category", "price", "compare_at_price", "stock_quantity", "weight_kg"), "none")
        writer.writerow({**cells, **wrong, "product_name": "long ".ljust(750, "."), "unit": "metres of the whole roll"})
    content = text.getvalue().encode()
    assert len(content) <= MAX_BYTES, len(content)  # noqa: S101 - a file that would be refused
    return content


def rows_of(content: bytes, upload_id: str, vendor_id: str = VENDOR) -> list[Row]:
    """The rows of a file, as the parser hands them on."""
    parsed = parse(content, upload_id, vendor_id)
    if isinstance(parsed, FileRejection):
        raise TypeError(parsed.reason)
    return list(parsed.rows)


def stream_events(rows: Sequence[Row], size: int) -> list[Event]:
    """What the table's stream brings to the validator once these rows are staged, in batches of `size`. Built here, in
    the stream's form, of the very items that the parser stages.
    """
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
    """What S3 sends to the parser for a new object."""
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
    """What SQS brings to the error processor."""
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


def http_event(path: str, host: str, key: str) -> Event:
    """What the HTTP API sends for a request with an API key."""
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"accept": "*/*", "authorization": f"Bearer {key}", "host": host},
        "requestContext": {
            "domainName": host,
            "http": {"method": "GET", "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7", "userAgent": ""},
            "requestId": "bench",
            "stage": "$default",
        },
        "isBase64Encoded": False,
    }
