"""The vendor's mail: subject and body in the contract's form, sent once for each upload, to that vendor alone."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from onboarding.context import Context
from onboarding.link import DAYS_VALID, token_for
from onboarding.points import passed

LEASE_SECONDS = 45
"""For how long an attempt keeps others: over the function's time limit (30 s), under the first retry (60 s)."""

CLAIM_DAYS = 30
"""How long it is remembered that a mail went out; beyond any retry."""


class MailUnderWay(Exception):
    """Another attempt is sending this mail, or died while it was; to be tried again when its lease is over."""


@dataclass(frozen=True, slots=True)
class Result:
    """A finished upload as the topic tells it."""

    upload_id: str
    vendor_id: str
    vendor_name: str
    vendor_email: str
    file_name: str
    status: str
    total_records: int
    valid_records: int
    error_records: int
    failure_reason: str | None
    error_file_s3_key: str | None
    fix_file_s3_key: str | None = None
    findings: Sequence[str] = field(default_factory=list)
    warnings: Sequence[str] = field(default_factory=list)


def success_rate(result: Result) -> float:
    """Percent of rows that entered the catalog, rounded down: 100.0 means all of them, 0.0 means none."""
    if not result.valid_records:
        return 0.0
    return max(0.1, math.floor(1000 * result.valid_records / result.total_records) / 10)


def subject(result: Result) -> str:
    return f"Product Upload Complete - {_one_line(result.file_name)} ({success_rate(result):.1f}% Success)"


def _one_line(text: str) -> str:
    """`text` without line breaks and control characters: in a file name they would start a header or a line of their
    own."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+", " ", text)


FINDINGS_TITLE = "What to fix, the most frequent first, with rows as a spreadsheet numbers them:"


def body(result: Result, link: str | None, fix_link: str | None = None) -> str:
    valid = success_rate(result)
    invalid = 100 - valid if result.total_records else 0.0
    lines = [
        f"Hello {result.vendor_name},",
        "",
        "your product file has been processed.",
        "",
        f"Upload ID: {result.upload_id}",
        f"File name: {_one_line(result.file_name)}",
        f"Total records: {result.total_records}",
        f"Valid records: {result.valid_records} ({valid:.1f}%)",
        f"Invalid records: {result.error_records} ({invalid:.1f}%)",
        f"Status: {result.status.upper()}",
    ]
    if result.failure_reason:
        lines += ["", "The file was not taken in:", result.failure_reason]
    if result.findings:
        lines += ["", FINDINGS_TITLE, *(f"- {_one_line(text)}" for text in result.findings)]
    if result.warnings:
        lines += ["", "What looked odd, and was taken as it is:", *(f"- {_one_line(text)}" for text in result.warnings)]
    for sentence, address in (
        ("The error report names every row to fix and what to do. Its Row Number is 1 right below the header:", link),
        ("Your own rows that failed, to mend and to upload again as they are then:", fix_link),
    ):
        if address:
            lines += ["", sentence, address, f"This link expires in {DAYS_VALID} days."]
    return "\n".join([*lines, "", "Product onboarding"]) + "\n"


def send(ctx: Context, result: Result) -> bool:
    """Send the mail unless it went out before; returns whether it was sent now.

    The claim makes it one mail although the topic may deliver twice. Only a process that dies between the mail service
    taking the mail and the claim being marked can cause a second one.
    """
    if not _claim(ctx, result.upload_id):
        return False
    link, fix_link = _link(ctx, result.error_file_s3_key), _link(ctx, result.fix_file_s3_key)
    try:
        ctx.ses.send_email(
            Source=ctx.settings.mail_sender,
            Destination={"ToAddresses": [result.vendor_email]},
            Message={
                "Subject": {"Data": subject(result), "Charset": "UTF-8"},
                "Body": {"Text": {"Data": body(result, link, fix_link), "Charset": "UTF-8"}},
            },
        )
    except ctx.ses.exceptions.ClientError:
        # Refused, so certainly not sent: the retry need not wait for the lease.
        ctx.dynamodb.delete_item(TableName=ctx.settings.mail_claims_table, Key=_key(result.upload_id))
        raise
    passed("mail.sent")
    ctx.dynamodb.update_item(
        TableName=ctx.settings.mail_claims_table,
        Key=_key(result.upload_id),
        UpdateExpression="set sent_at = :now",
        ExpressionAttributeValues={":now": {"N": str(int(time.time()))}},
    )
    passed("mail.marked")
    return True


def _link(ctx: Context, key: str | None) -> str | None:
    if key is None:
        return None
    return f"{ctx.settings.link_base_url}/reports/{token_for(key, ctx.secret(ctx.settings.link_secret))}"


def _claim(ctx: Context, upload_id: str) -> bool:
    now = int(time.time())
    try:
        ctx.dynamodb.put_item(
            TableName=ctx.settings.mail_claims_table,
            Item={
                **_key(upload_id),
                "lease_until": {"N": str(now + LEASE_SECONDS)},
                "expires_at": {"N": str(now + CLAIM_DAYS * 86_400)},
            },
            ConditionExpression="attribute_not_exists(upload_id) or "
            "(attribute_not_exists(sent_at) and lease_until < :now)",
            ExpressionAttributeValues={":now": {"N": str(now)}},
        )
    except ctx.dynamodb.exceptions.ConditionalCheckFailedException as error:
        claim = ctx.dynamodb.get_item(
            TableName=ctx.settings.mail_claims_table, Key=_key(upload_id), ConsistentRead=True
        ).get("Item", {})
        if "sent_at" in claim:
            return False
        raise MailUnderWay(upload_id) from error
    passed("mail.claimed")
    return True


def _key(upload_id: str) -> dict[str, dict[str, str]]:
    return {"upload_id": {"S": upload_id}}
