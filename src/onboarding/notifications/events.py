"""What is said of rows and uploads: messages to the error queue, and the result to the topic."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from onboarding.aws.staging_table import details, map_concurrently, record_id, utc_now
from onboarding.domain.models import Row, RowError, Upload
from onboarding.domain.text import one_line
from onboarding.runtime import AppContext

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

QUEUE_BATCH = 10
QUEUE_BATCH_BYTES = 250_000
"""The most that SQS takes in one call: ten messages, and 256 KB with their attributes."""

# SQS refuses a message that holds these two as they are; a vendor's cell may.
_NOT_TAKEN = {0xFFFE: "\\ufffe", 0xFFFF: "\\uffff"}

ATTEMPTS = 5

RETRY_SECONDS = (10, 180)
"""How long a message waits after its first and its second failure: a passing fault costs a report little, and the last
attempt is made when a database that fails over (one to two minutes) is back."""

Message = dict[str, Any]
"""A body and its attributes, before they are entries of a call."""


def send_row_errors(ctx: AppContext, invalid: Sequence[tuple[Row, Sequence[RowError]]]) -> None:
    """One message for each invalid row, in the contract's form."""
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
                    "error_message": details(errors),
                    "product_data": row.cells,
                    "timestamp": timestamp,
                },
                "attributes": {
                    "upload_id": row.upload_id,
                    "vendor_id": row.vendor_id,
                    "error_type": errors[0].error_type,
                },
            }
            for row, errors in invalid
        ],
    )


def send_completions(ctx: AppContext, finished: Sequence[tuple[str, str]]) -> None:
    """One message for each complete upload, given as upload and vendor: the report and the notification are due."""
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
            for upload_id, vendor_id in finished
        ],
    )


def _send(ctx: AppContext, messages: Sequence[Message]) -> None:
    if not messages:
        return
    # Asked for here: threads that all find no client would all make one.
    sqs, queue_url = ctx.sqs, ctx.settings.queue_url
    for _ in map_concurrently(lambda entries: _send_batch(sqs, queue_url, entries), _batches(messages)):
        pass


def _send_batch(sqs: SQSClient, queue_url: str, entries: list[Message]) -> None:
    left = entries
    for attempt in range(ATTEMPTS):
        answer = sqs.send_message_batch(QueueUrl=queue_url, Entries=left)  # type: ignore[arg-type]
        failed = {entry["Id"]: entry for entry in answer.get("Failed", [])}
        if not failed:
            return
        left = [entry for entry in left if entry["Id"] in failed]
        time.sleep(0.1 * 2**attempt)
    reasons = sorted({entry["Code"] for entry in failed.values()})
    raise RuntimeError(f"SQS did not take {len(left)} messages: {', '.join(reasons)}")


def retry_transient(ctx: AppContext, records: Sequence[Mapping[str, Any]]) -> None:
    """Have received messages that failed come again soon (`RETRY_SECONDS`), or go to the dead-letter queue at once.

    The queue hides a message for longer than any call may last, which is half an hour; a report is due within a minute.
    """
    waits = dict(enumerate(RETRY_SECONDS, 1))
    for some in _chunks(records):
        ctx.sqs.change_message_visibility_batch(
            QueueUrl=ctx.settings.queue_url,
            Entries=[
                {
                    "Id": str(number),
                    "ReceiptHandle": record["receiptHandle"],
                    "VisibilityTimeout": waits.get(int(record["attributes"]["ApproximateReceiveCount"]), 0),
                }
                for number, record in enumerate(some)
            ],
        )


def _chunks(records: Sequence[Mapping[str, Any]]) -> Iterator[Sequence[Mapping[str, Any]]]:
    for start in range(0, len(records), QUEUE_BATCH):
        yield records[start : start + QUEUE_BATCH]


def _batches(messages: Sequence[Message]) -> Iterator[list[Message]]:
    batch: list[Message] = []
    size = 0
    for number, message in enumerate(messages):
        body = json.dumps(message["body"], ensure_ascii=False).translate(_NOT_TAKEN)
        length = len(body.encode()) + sum(len(name) + len(value) + 6 for name, value in message["attributes"].items())
        if batch and (len(batch) == QUEUE_BATCH or size + length > QUEUE_BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(
            {
                "Id": str(number),
                "MessageBody": body,
                "MessageAttributes": {
                    name: {"DataType": "String", "StringValue": value} for name, value in message["attributes"].items()
                },
            }
        )
        size += length
    if batch:
        yield batch


def publish_result(
    ctx: AppContext,
    upload: Upload,
    error_file_s3_key: str | None,
    fix_file_s3_key: str | None = None,
    *,
    findings: Sequence[str] = (),
    warnings: Sequence[str] = (),
) -> None:
    """Publish the result of an upload to the topic, as JSON for functions and as text for e-mails to operators.

    `findings` are the most frequent errors and `warnings` the warnings about accepted values, one sentence each.
    """
    result: dict[str, Any] = {
        "upload_id": upload.upload_id,
        "vendor_id": upload.vendor_id,
        "vendor_name": upload.vendor_name,
        "vendor_email": upload.vendor_email,
        "file_name": upload.file_name,
        "status": upload.status.value,
        "total_records": upload.total_records,
        "valid_records": upload.valid_records,
        "error_records": upload.error_records,
        "failure_reason": upload.failure_reason,
        "error_file_s3_key": error_file_s3_key,
        "fix_file_s3_key": fix_file_s3_key,
    }
    text = "\n".join(f"{name}: {one_line(str(value))}" for name, value in result.items() if value is not None)
    result |= {"findings": list(findings), "warnings": list(warnings)}
    _publish(ctx, f"Upload {upload.status}: {upload.upload_id}", text, result)


def publish_quarantine(ctx: AppContext, s3_key: str, reason: str) -> None:
    """Notify operators, and no vendor, of an object that has no known vendor."""
    result = {"status": "quarantined", "vendor_id": "unknown", "s3_key": s3_key, "reason": reason}
    _publish(ctx, "Upload quarantined", f"{one_line(reason)}\nObject: {one_line(s3_key)}", result)


def _publish(ctx: AppContext, subject: str, text: str, result: dict[str, Any]) -> None:
    # SNS sends the form of its protocol to each subscriber: JSON to functions, text to e-mail addresses.
    message = json.dumps({"default": text, "lambda": json.dumps(result, ensure_ascii=False)}, ensure_ascii=False)
    ctx.sns.publish(
        TopicArn=ctx.settings.topic,
        Subject=subject,
        Message=message,
        MessageStructure="json",
        MessageAttributes={
            "vendor_id": {"DataType": "String", "StringValue": result["vendor_id"]},
            "status": {"DataType": "String", "StringValue": result["status"]},
        },
    )
