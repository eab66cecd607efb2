"""The smoke test: a tiny file of the smoke vendor through the whole pipeline, and away again."""

from __future__ import annotations

import csv
import io
import time
import uuid
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from onboarding.aws.dead_letter_queues import describe_message
from onboarding.deploy.buckets import empty
from onboarding.deploy.calls import admin
from onboarding.deploy.plan import DeployError, MakeClient, Say
from onboarding.domain.models import COLUMNS
from onboarding.pipeline.ingest import S3ObjectVersion
from onboarding.resource_names import prefix_of_bucket

Ask = Callable[..., dict[str, Any]]
"""Carries out an action of the function `admin` by its name and arguments."""

SMOKE_VENDOR = "SMOKE"
"""The vendor of the smoke test. Its uploads are undone, and stay in the history."""

# SES takes its mail and nobody gets it; it does not count as a bounce either.
ADDRESS = "success@simulator.amazonses.com"

MAIL_SECONDS = 240
"""How long the mail may take: Lambda tries it again after one minute and after two more, and then keeps the reason."""


def smoke_test(
    client: MakeClient,
    outputs: Mapping[str, str],
    say: Say,
    *,
    timeout: float = 180,
    mail_timeout: float = MAIL_SECONDS,
    pause: float = 1,
) -> None:
    """Upload one good row and one bad one, with the pipeline's `outputs`, and wait for their report and their mail.

    Raises DeployError if the upload ends differently. Without a mail it only warns: the fault is mostly in SES.
    """
    s3, bucket = client("s3"), outputs["Bucket"]
    ask = partial(admin, client("lambda"), prefix=prefix_of_bucket(bucket))
    ask("add_vendor", vendor_id=SMOKE_VENDOR, vendor_name="Smoke test", email=ADDRESS)
    ask("change_vendor", vendor_id=SMOKE_VENDOR, status="active")
    upload_id: str | None = None
    try:
        key = f"uploads/{SMOKE_VENDOR}/smoke.csv"
        started = time.monotonic()
        version = s3.put_object(Bucket=bucket, Key=key, Body=_file())["VersionId"]
        source = S3ObjectVersion(bucket, key, version)
        written = s3.head_object(Bucket=bucket, Key=key, VersionId=version)["LastModified"]
        upload_id = source.upload_id(written)
        upload = _finished(ask, upload_id, timeout, pause)
        counts = (upload["status"], upload["valid_records"], upload["error_records"])
        if counts != ("partial", 1, 1):
            raise DeployError(f"the smoke test's upload ended as {counts} instead of partial with 1 valid and 1 not")
        lines = (
            s3.get_object(Bucket=bucket, Key=upload["error_file_s3_key"])["Body"]
            .read()
            .decode("utf-8-sig")
            .splitlines()
        )
        if not any("INVALID_PRICE" in line for line in lines):
            raise DeployError(f"the smoke test's report does not name the error: {lines}")
        say(f"  a file came through in {time.monotonic() - started:.1f} s, its report says what was wrong")
        say(_mail_result(client, outputs, upload_id, mail_timeout, pause))
    finally:
        _clean(ask, s3, bucket, upload_id)


def _file() -> bytes:
    """Two rows that no catalog has, one of them with a price that no rule lets pass."""
    mark = uuid.uuid4().hex[:12]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    for number, price in ((1, "1.00"), (2, "-1.00")):
        writer.writerow(
            {
                "vendor_product_id": f"SMOKE-{mark}-{number}",
                "product_name": "Smoke test",
                "category": "Electronics",
                "sku": f"SMOKE-{mark}-{number}",
                "price": price,
                "stock_quantity": "0",
            }
        )
    return text.getvalue().encode()


def _finished(ask: Ask, upload_id: str, timeout: float, pause: float) -> dict[str, Any]:
    deadline = time.monotonic() + timeout
    while True:
        upload: dict[str, Any] | None = ask("show_upload", upload_id=upload_id)["upload"]
        if upload is not None and upload["notified"]:
            return upload
        if time.monotonic() > deadline:
            raise DeployError(f"the smoke test's file did not come through in {timeout:g} s; it stands at: {upload}")
        time.sleep(pause)


def _mail_result(client: MakeClient, outputs: Mapping[str, str], upload_id: str, timeout: float, pause: float) -> str:
    """Wait for the mail about the upload and return a line about it: that it was sent, or a warning with the reason."""
    deadline = time.monotonic() + timeout
    while True:
        claim = client("dynamodb").get_item(
            TableName=outputs["MailClaimsTable"], Key={"upload_id": {"S": upload_id}}, ConsistentRead=True
        )
        if "sent_at" in claim.get("Item", {}):
            return "  its mail was sent"
        reason = _mail_failure(client("sqs"), outputs["MailerFailuresUrl"], upload_id)
        if reason is None and time.monotonic() > deadline:
            reason = f"it was neither sent nor given up within {timeout:g} s; see the log group of the function mailer"
        if reason is not None:
            return (
                f"  WARNING: the mail about the file was not sent: {reason}\n"
                "  Other mails to vendors and sign-in mails will fail too. Check the sender in SES, then run: "
                "onboarding failures redrive mailer-failures"
            )
        time.sleep(pause)


def _mail_failure(sqs: Any, queue_url: str, upload_id: str) -> str | None:
    """Return why the mail about an upload was given up, or None if no message in the failure queue says so."""
    messages = sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10, VisibilityTimeout=0).get("Messages", [])
    for about, error in (describe_message(message["Body"]) for message in messages):
        if about == upload_id:
            return error or "the failure queue has it without a reason"
    return None


def _clean(ask: Ask, s3: Any, bucket: str, upload_id: str | None) -> None:
    """Nothing of it stays in the catalog or the bucket. The history keeps it: its events may come once more."""
    ask("change_vendor", vendor_id=SMOKE_VENDOR, status="suspended")
    if upload_id is not None and _settled(ask, upload_id):
        ask("undo_upload", upload_id=upload_id)
    for prefix in (f"uploads/{SMOKE_VENDOR}/", f"errors/{SMOKE_VENDOR}/"):
        empty(s3, bucket, prefix)


def _settled(ask: Ask, upload_id: str) -> bool:
    upload = ask("show_upload", upload_id=upload_id)["upload"]
    return upload is not None and upload["status"] != "processing"
