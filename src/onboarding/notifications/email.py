"""E-mail to the vendor with the result of an upload: sent once for each upload, in the contract's format."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from onboarding.domain.json_objects import from_json
from onboarding.domain.text import one_line
from onboarding.failpoints import Failpoint, failpoint
from onboarding.notifications.report_links import DAYS_VALID, sign_report_link
from onboarding.runtime import AppContext

LEASE_SECONDS = 45
"""How long an attempt excludes others: longer than the function's time limit (30 s), shorter than the first retry
(60 s)."""

CLAIM_DAYS = 30
"""How long a claim is stored; longer than any retry."""

CLAIMS_PER_CALL = 100
"""Maximum number of items in one BatchGetItem request."""


class EmailInProgress(Exception):
    """Another attempt is sending this e-mail or ended while sending; the retry comes after its lease."""


@dataclass(frozen=True, slots=True)
class UploadResult:
    """A finished upload, as published to the topic."""

    upload_id: str
    vendor_id: str
    vendor_name: str
    vendor_email: str
    file_name: str
    status: str
    total_records: int = 0
    valid_records: int = 0
    error_records: int = 0
    failure_reason: str | None = None
    error_file_s3_key: str | None = None
    fix_file_s3_key: str | None = None
    findings: Sequence[str] = field(default_factory=list)
    warnings: Sequence[str] = field(default_factory=list)

    @classmethod
    def from_message(cls, message: Mapping[str, Any]) -> UploadResult:
        """Return the result in a message of this version of the package, of an older one, or of a newer one."""
        return from_json(cls, message)


def success_rate(result: UploadResult) -> float:
    """Return the percentage of accepted rows, rounded down: 100.0 means all of them, 0.0 means none."""
    if not result.valid_records:
        return 0.0
    return max(0.1, math.floor(1000 * result.valid_records / result.total_records) / 10)


def render_subject(result: UploadResult) -> str:
    return f"Product Upload Complete - {one_line(result.file_name)} ({success_rate(result):.1f}% Success)"


FINDINGS_TITLE = "What to fix, the most frequent first, with rows as a spreadsheet numbers them:"


def render_body(result: UploadResult, link: str | None, fix_link: str | None = None) -> str:
    valid = success_rate(result)
    invalid = 100 - valid if result.total_records else 0.0
    lines = [
        f"Hello {one_line(result.vendor_name)},",
        "",
        "your product file has been processed.",
        "",
        f"Upload ID: {result.upload_id}",
        f"File name: {one_line(result.file_name)}",
        f"Total records: {result.total_records}",
        f"Valid records: {result.valid_records} ({valid:.1f}%)",
        f"Invalid records: {result.error_records} ({invalid:.1f}%)",
        f"Status: {result.status.upper()}",
    ]
    if result.failure_reason:
        lines += ["", "The file was rejected:", one_line(result.failure_reason)]
    if result.findings:
        lines += ["", FINDINGS_TITLE, *(f"- {one_line(text)}" for text in result.findings)]
    if result.warnings:
        lines += [
            "",
            "Warnings; these values were imported as they are:",
            *(f"- {one_line(text)}" for text in result.warnings),
        ]
    for sentence, address in (
        ("The error report names every row to fix and what to do. Its Row Number is 1 right below the header:", link),
        ("Your rejected rows, to fix and upload again:", fix_link),
    ):
        if address:
            lines += ["", sentence, address, f"This link expires in {DAYS_VALID} days."]
    return "\n".join([*lines, "", "Product onboarding"]) + "\n"


def send_result_email(ctx: AppContext, result: UploadResult) -> bool:
    """Send the e-mail unless it was sent before; return whether it was sent now.

    A claim in DynamoDB prevents a second e-mail when the topic delivers twice. A second one is only possible if the
    process ends after SES accepted the e-mail and before the claim is marked as sent.
    """
    if not _claim(ctx, result.upload_id):
        return False
    link, fix_link = _link(ctx, result.error_file_s3_key), _link(ctx, result.fix_file_s3_key)
    try:
        ctx.ses.send_email(
            Source=ctx.settings.mail_sender,
            Destination={"ToAddresses": [result.vendor_email]},
            Message={
                "Subject": {"Data": render_subject(result), "Charset": "UTF-8"},
                "Body": {"Text": {"Data": render_body(result, link, fix_link), "Charset": "UTF-8"}},
            },
        )
    except ctx.ses.exceptions.ClientError:
        # Rejected by SES, so not sent: the retry does not have to wait for the lease.
        ctx.dynamodb.delete_item(TableName=ctx.settings.mail_claims_table, Key=_key(result.upload_id))
        raise
    failpoint(Failpoint.EMAIL_SENT)
    ctx.dynamodb.update_item(
        TableName=ctx.settings.mail_claims_table,
        Key=_key(result.upload_id),
        UpdateExpression="set sent_at = :now",
        ExpressionAttributeValues={":now": {"N": str(int(time.time()))}},
    )
    failpoint(Failpoint.EMAIL_MARKED)
    return True


def list_unsent(ctx: AppContext, upload_ids: Sequence[str]) -> list[str]:
    """Return the uploads whose claim is missing or not marked as sent."""
    table = ctx.settings.mail_claims_table
    unsent: list[str] = []
    for start in range(0, len(upload_ids), CLAIMS_PER_CALL):
        asked = upload_ids[start : start + CLAIMS_PER_CALL]
        answer = ctx.dynamodb.batch_get_item(RequestItems={table: {"Keys": [_key(name) for name in asked]}})
        claims = {claim["upload_id"]["S"]: claim for claim in answer["Responses"].get(table, [])}
        # DynamoDB returns a part under load: the next run requests the rest.
        unprocessed = answer["UnprocessedKeys"].get(table)
        left = {key["upload_id"]["S"] for key in unprocessed["Keys"]} if unprocessed else set()
        unsent += [name for name in asked if name not in left and "sent_at" not in claims.get(name, {})]
    return unsent


def restore_claims(ctx: AppContext, upload_ids: Iterable[str]) -> None:
    """Mark these e-mails as sent, for a table that lost its claims."""
    now = int(time.time())
    times = {"sent_at": {"N": str(now)}, "expires_at": {"N": str(now + CLAIM_DAYS * 86_400)}}
    for upload_id in upload_ids:
        ctx.dynamodb.put_item(TableName=ctx.settings.mail_claims_table, Item={**_key(upload_id), **times})


def _link(ctx: AppContext, key: str | None) -> str | None:
    if key is None:
        return None
    return f"{ctx.settings.link_base_url}/reports/{sign_report_link(key, ctx.secret(ctx.settings.link_secret))}"


def _claim(ctx: AppContext, upload_id: str) -> bool:
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
        raise EmailInProgress(upload_id) from error
    failpoint(Failpoint.EMAIL_CLAIMED)
    return True


def _key(upload_id: str) -> dict[str, dict[str, str]]:
    return {"upload_id": {"S": upload_id}}
