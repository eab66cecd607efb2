"""Messages to the error queue: rejected rows and complete uploads."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from onboarding.aws.concurrent_calls import map_concurrently
from onboarding.aws.staging_table import format_messages, record_id, utc_now
from onboarding.domain.models import Row, RowError
from onboarding.runtime import AppContext

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

QUEUE_BATCH = 10
QUEUE_BATCH_BYTES = 250_000
"""Limits of one call: SQS accepts ten messages, and 256 KB including their attributes."""

# SQS rejects messages with these two characters, which a vendor's cell may have. In JSON they can be escaped.
_ESCAPED_CHARACTERS = {0xFFFE: "\\ufffe", 0xFFFF: "\\uffff"}

ATTEMPTS = 5

RETRY_SECONDS = (10, 180)
"""Delays after the first and the second failure of a message. A report is delayed little by a short failure, and the
last attempt follows after a failover of the database, which takes one to two minutes."""

Message = dict[str, Any]
"""The body and the attributes of a message."""


def send_row_errors(ctx: AppContext, invalid_rows: Sequence[tuple[Row, Sequence[RowError]]]) -> None:
    """Send a message for each invalid row, in the format of the contract."""
    timestamp = utc_now()
    _send(
        ctx,
        [
            {
                "body": {
                    "upload_id": row.upload_id,
                    "vendor_id": row.vendor_id,
                    "record_id": record_id(row.row_number),
                    "row_number": row.row_number,
                    "error_type": errors[0].error_type,
                    "error_message": format_messages(errors),
                    "product_data": row.cells_in_file,
                    "timestamp": timestamp,
                },
                "attributes": {
                    "upload_id": row.upload_id,
                    "vendor_id": row.vendor_id,
                    "error_type": errors[0].error_type,
                },
            }
            for row, errors in invalid_rows
        ],
    )


def send_completions(ctx: AppContext, uploads: Sequence[tuple[str, str]]) -> None:
    """Send a message for each finished upload, so that its report is written and its vendor is notified.

    `uploads` are pairs of upload id and vendor id.
    """
    timestamp = utc_now()
    _send(
        ctx,
        [
            {
                "body": {
                    "event": "upload_finished",
                    "upload_id": upload_id,
                    "vendor_id": vendor_id,
                    "timestamp": timestamp,
                },
                "attributes": {"upload_id": upload_id, "vendor_id": vendor_id},
            }
            for upload_id, vendor_id in uploads
        ],
    )


def _send(ctx: AppContext, messages: Sequence[Message]) -> None:
    if not messages:
        return
    # The client is created here, since concurrent threads would each create one.
    sqs, queue_url = ctx.sqs, ctx.settings.queue_url
    for _ in map_concurrently(lambda entries: _send_batch(sqs, queue_url, entries), _build_batches(messages)):
        pass


def _send_batch(sqs: SQSClient, queue_url: str, entries: list[Message]) -> None:
    remaining_entries = entries
    for attempt in range(ATTEMPTS):
        response = sqs.send_message_batch(QueueUrl=queue_url, Entries=remaining_entries)  # type: ignore[arg-type]
        failed_entries = {entry["Id"]: entry for entry in response.get("Failed", [])}
        if not failed_entries:
            return
        remaining_entries = [entry for entry in remaining_entries if entry["Id"] in failed_entries]
        time.sleep(0.1 * 2**attempt)
    codes = sorted({entry["Code"] for entry in failed_entries.values()})
    raise RuntimeError(f"SQS rejected {len(remaining_entries)} messages after {ATTEMPTS} attempts: {', '.join(codes)}")


def retry_transient(ctx: AppContext, records: Sequence[Mapping[str, Any]]) -> None:
    """Make failed messages visible again after `RETRY_SECONDS`, or at once after the last retry.

    SQS then redelivers them, or moves them to the dead-letter queue. Otherwise they would be hidden for half an hour,
    the visibility timeout of the queue, although a report is due within a minute.
    """
    delays = dict(enumerate(RETRY_SECONDS, 1))
    for start in range(0, len(records), QUEUE_BATCH):
        ctx.sqs.change_message_visibility_batch(
            QueueUrl=ctx.settings.queue_url,
            Entries=[
                {
                    "Id": str(number),
                    "ReceiptHandle": record["receiptHandle"],
                    "VisibilityTimeout": delays.get(int(record["attributes"]["ApproximateReceiveCount"]), 0),
                }
                for number, record in enumerate(records[start : start + QUEUE_BATCH])
            ],
        )


def _build_batches(messages: Sequence[Message]) -> Iterator[list[Message]]:
    """Yield the entries of each call, within the limits of a call."""
    batch: list[Message] = []
    batch_bytes = 0
    for number, message in enumerate(messages):
        body = json.dumps(message["body"], ensure_ascii=False).translate(_ESCAPED_CHARACTERS)
        # An attribute has its name, its value and the six characters of its type, `String`.
        attribute_bytes = sum(len(name) + len(value) + 6 for name, value in message["attributes"].items())
        message_bytes = len(body.encode()) + attribute_bytes
        if batch and (len(batch) == QUEUE_BATCH or batch_bytes + message_bytes > QUEUE_BATCH_BYTES):
            yield batch
            batch, batch_bytes = [], 0
        batch.append(
            {
                "Id": str(number),
                "MessageBody": body,
                "MessageAttributes": {
                    name: {"DataType": "String", "StringValue": value} for name, value in message["attributes"].items()
                },
            }
        )
        batch_bytes += message_bytes
    if batch:
        yield batch
