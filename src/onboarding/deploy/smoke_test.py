"""Smoke test of a deployment: upload of two rows by a test vendor, check of the result, and removal of the data."""

from __future__ import annotations

import csv
import io
import time
import uuid
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from onboarding.aws.dead_letter_queues import describe_message
from onboarding.cloudformation.stack_runner import DeployError, MakeClient, PrintLine
from onboarding.deploy.buckets import empty_bucket
from onboarding.deploy.lambda_calls import call_admin
from onboarding.domain.product_schema import COLUMNS
from onboarding.domain.resource_names import prefix_of_bucket
from onboarding.pipeline.ingest import S3ObjectVersion

RunAction = Callable[..., dict[str, Any]]
"""Function that runs an action of the Lambda function `admin` by its name and arguments."""

SMOKE_VENDOR = "SMOKE"
"""Vendor of the smoke test. Its uploads are undone and remain in the history."""

SMOKE_EMAIL = "success@simulator.amazonses.com"
"""SES's mailbox simulator: it accepts e-mails and delivers them to nobody, without a bounce."""

EMAIL_TIMEOUT = 240
"""Seconds to wait for the e-mail: Lambda retries after one minute and after two more, then records the reason."""


def run_smoke_test(
    client: MakeClient,
    outputs: Mapping[str, str],
    print_line: PrintLine,
    *,
    timeout: float = 180,
    email_timeout: float = EMAIL_TIMEOUT,
    pause: float = 1,
) -> None:
    """Upload one valid and one invalid row, and wait for the error report and the e-mail.

    `outputs` are those of the pipeline's stack. Raises DeployError if the upload has another result. A missing e-mail
    only prints a warning: its usual cause is the configuration of SES.
    """
    s3, bucket = client("s3"), outputs["Bucket"]
    run_action = partial(call_admin, client("lambda"), prefix=prefix_of_bucket(bucket))
    run_action("add_vendor", vendor_id=SMOKE_VENDOR, vendor_name="Smoke test", email=SMOKE_EMAIL)
    run_action("update_vendor", vendor_id=SMOKE_VENDOR, status="active")
    upload_id: str | None = None
    try:
        key = f"uploads/{SMOKE_VENDOR}/smoke.csv"
        started = time.monotonic()
        version = s3.put_object(Bucket=bucket, Key=key, Body=_make_file())["VersionId"]
        source = S3ObjectVersion(bucket, key, version)
        last_modified = s3.head_object(Bucket=bucket, Key=key, VersionId=version)["LastModified"]
        upload_id = source.upload_id(last_modified)
        upload = _wait_for_upload(run_action, upload_id, timeout, pause)
        counts = (upload["status"], upload["valid_records"], upload["error_records"])
        if counts != ("partial", 1, 1):
            raise DeployError(f"the smoke test's upload ended as {counts} instead of ('partial', 1, 1)")
        lines = (
            s3.get_object(Bucket=bucket, Key=upload["error_file_s3_key"])["Body"]
            .read()
            .decode("utf-8-sig")
            .splitlines()
        )
        if not any("INVALID_PRICE" in line for line in lines):
            raise DeployError(f"the error report of the smoke test lacks the error INVALID_PRICE: {lines}")
        print_line(
            f"  the test file was processed in {time.monotonic() - started:.1f} s, with the expected error report"
        )
        print_line(_wait_for_email(client, outputs, upload_id, email_timeout, pause))
    finally:
        _remove_data(run_action, s3, bucket, upload_id)


def _make_file() -> bytes:
    """Return a file of two rows with new identifiers; the second one has an invalid price."""
    unique = uuid.uuid4().hex[:12]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    for number, price in ((1, "1.00"), (2, "-1.00")):
        writer.writerow(
            {
                "vendor_product_id": f"SMOKE-{unique}-{number}",
                "product_name": "Smoke test",
                "category": "Electronics",
                "sku": f"SMOKE-{unique}-{number}",
                "price": price,
                "stock_quantity": "0",
            }
        )
    return text.getvalue().encode()


def _wait_for_upload(run_action: RunAction, upload_id: str, timeout: float, pause: float) -> dict[str, Any]:
    """Return the upload once its vendor is notified. Raises DeployError after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        upload: dict[str, Any] | None = run_action("show_upload", upload_id=upload_id)["upload"]
        if upload is not None and upload["notified"]:
            return upload
        if time.monotonic() > deadline:
            raise DeployError(f"the smoke test's file was not processed within {timeout:g} s; its upload: {upload}")
        time.sleep(pause)


def _wait_for_email(
    client: MakeClient, outputs: Mapping[str, str], upload_id: str, timeout: float, pause: float
) -> str:
    """Wait for the upload's e-mail, and return a line for the user: that it was sent, or a warning with the reason."""
    deadline = time.monotonic() + timeout
    while True:
        claim = client("dynamodb").get_item(
            TableName=outputs["EmailClaimsTable"], Key={"upload_id": {"S": upload_id}}, ConsistentRead=True
        )
        if "sent_at" in claim.get("Item", {}):
            return "  its e-mail was sent"
        reason = _find_email_failure(client("sqs"), outputs["MailerFailuresUrl"], upload_id)
        if reason is None and time.monotonic() > deadline:
            reason = f"it neither was sent nor failed within {timeout:g} s; see the log group of the function mailer"
        if reason is not None:
            return (
                f"  WARNING: the e-mail about the test file was not sent: {reason}\n"
                "  Other e-mails to vendors and sign-in e-mails will fail too. Check the sender in SES, then run: "
                "onboarding failures redrive mailer-failures"
            )
        time.sleep(pause)


def _find_email_failure(sqs: Any, queue_url: str, upload_id: str) -> str | None:
    """Return the error of an upload's e-mail in the failure queue, or None if the queue has no message about it."""
    messages = sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10, VisibilityTimeout=0).get("Messages", [])
    for subject, error in (describe_message(message["Body"]) for message in messages):
        if subject == upload_id:
            return error or "its message in the failure queue has no reason"
    return None


def _remove_data(run_action: RunAction, s3: Any, bucket: str, upload_id: str | None) -> None:
    """Remove the test's products and objects. Its upload stays in the history, since events may be redelivered."""
    run_action("update_vendor", vendor_id=SMOKE_VENDOR, status="suspended")
    if upload_id is not None and _has_ended(run_action, upload_id):
        run_action("undo_upload", upload_id=upload_id)
    for prefix in (f"uploads/{SMOKE_VENDOR}/", f"errors/{SMOKE_VENDOR}/"):
        empty_bucket(s3, bucket, prefix)


def _has_ended(run_action: RunAction, upload_id: str) -> bool:
    upload = run_action("show_upload", upload_id=upload_id)["upload"]
    return upload is not None and upload["status"] != "processing"
