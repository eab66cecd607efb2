"""E-mail to the vendor with the result of an upload, in the contract's format, sent once for each upload."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from onboarding.domain.json_objects import from_json
from onboarding.domain.models import UploadStatus
from onboarding.domain.text import one_line
from onboarding.failpoints import Failpoint, failpoint
from onboarding.notifications.report_links import DAYS_VALID, sign_report_link
from onboarding.runtime import AppContext

LEASE_SECONDS = 45
"""How long one attempt blocks others: more than the function's time limit (30 s), less than the delay of the first
retry (60 s)."""

CLAIM_DAYS = 30
"""How long a claim is stored: longer than any retry."""

CLAIMS_PER_CALL = 100
"""Maximum number of items in one BatchGetItem request."""


class EmailInProgress(Exception):
    """Another attempt is sending this e-mail, or ended while sending it; the retry follows after its lease."""


@dataclass(frozen=True, slots=True)
class UploadResult:
    """Result of an upload, as published to the topic."""

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
    mappings: Sequence[str] = field(default_factory=list)
    parent_upload_id: str | None = None
    correction: str = ""
    is_edit: bool = False

    @property
    def needs_email(self) -> bool:
        """Return whether the vendor gets an e-mail: the page of a product has shown the result of accepted edits."""
        return not self.is_edit or self.status != UploadStatus.COMPLETED

    @classmethod
    def from_message(cls, message: Mapping[str, Any]) -> UploadResult:
        """Return the result in a message, which an older or newer version of the package may have published."""
        return from_json(cls, message)


def success_rate(result: UploadResult) -> float:
    """Return the percentage of accepted rows, rounded down to one decimal; 0.0 only if no row was accepted."""
    if not result.valid_records:
        return 0.0
    return max(0.1, math.floor(1000 * result.valid_records / result.total_records) / 10)


def render_subject(result: UploadResult) -> str:
    """Return the subject line."""
    return f"Product Upload Complete - {one_line(result.file_name)} ({success_rate(result):.1f}% Success)"


FINDINGS_TITLE = "What to fix, most frequent first (row numbers as in a spreadsheet program):"


def render_body(result: UploadResult, link: str | None, fix_link: str | None = None) -> str:
    """Return the text with the links to the error report and to the fix file, if there are any."""
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
    if result.correction:
        lines += ["", one_line(result.correction)]
    if result.failure_reason:
        lines += ["", "The file was rejected:", one_line(result.failure_reason)]
    if result.findings:
        lines += ["", FINDINGS_TITLE, *(f"- {one_line(text)}" for text in result.findings)]
    if result.warnings:
        lines += [
            "",
            "Warnings (these values were imported unchanged):",
            *(f"- {one_line(text)}" for text in result.warnings),
        ]
    if result.mappings:
        lines += ["", "How your mappings were used:", *(f"- {one_line(text)}" for text in result.mappings)]
    for label, url in (
        ("Error report with every row to fix (its Row Number is 1 for the first row below the header):", link),
        ("Your rejected rows, to fix and upload again:", fix_link),
    ):
        if url:
            lines += ["", label, url, f"This link expires in {DAYS_VALID} days."]
    return "\n".join([*lines, "", "Product onboarding"]) + "\n"


def send_result_email(ctx: AppContext, result: UploadResult) -> bool:
    """Send the e-mail unless it was sent before; return whether it was sent now. Raises EmailInProgress.

    A claim in DynamoDB prevents a second e-mail when the topic delivers twice. A second e-mail is only possible if the
    process ends after SES accepts the first one and before the claim is marked as sent.
    """
    if not _claim(ctx, result.upload_id):
        return False
    link, fix_link = _create_link(ctx, result.error_file_s3_key), _create_link(ctx, result.fix_file_s3_key)
    try:
        ctx.ses.send_email(
            Source=ctx.settings.email_sender,
            Destination={"ToAddresses": [result.vendor_email]},
            Message={
                "Subject": {"Data": render_subject(result), "Charset": "UTF-8"},
                "Body": {"Text": {"Data": render_body(result, link, fix_link), "Charset": "UTF-8"}},
            },
        )
    except ctx.ses.exceptions.ClientError:
        # SES rejected the e-mail: the retry does not have to wait for the lease.
        ctx.dynamodb.delete_item(TableName=ctx.settings.email_claims_table, Key=_key(result.upload_id))
        raise
    failpoint(Failpoint.EMAIL_SENT)
    ctx.dynamodb.update_item(
        TableName=ctx.settings.email_claims_table,
        Key=_key(result.upload_id),
        UpdateExpression="set sent_at = :now",
        ExpressionAttributeValues={":now": {"N": str(int(time.time()))}},
    )
    failpoint(Failpoint.EMAIL_MARKED)
    return True


def list_unsent(ctx: AppContext, upload_ids: Sequence[str]) -> list[str]:
    """Return the ids of the uploads whose claim is missing or not marked as sent."""
    table = ctx.settings.email_claims_table
    unsent: list[str] = []
    for start in range(0, len(upload_ids), CLAIMS_PER_CALL):
        batch = upload_ids[start : start + CLAIMS_PER_CALL]
        response = ctx.dynamodb.batch_get_item(RequestItems={table: {"Keys": [_key(name) for name in batch]}})
        claims = {claim["upload_id"]["S"]: claim for claim in response["Responses"].get(table, [])}
        # DynamoDB may return only a part under load: the next run requests the rest.
        unprocessed = response["UnprocessedKeys"].get(table)
        unread = {key["upload_id"]["S"] for key in unprocessed["Keys"]} if unprocessed else set()
        unsent += [name for name in batch if name not in unread and "sent_at" not in claims.get(name, {})]
    return unsent


def restore_claims(ctx: AppContext, upload_ids: Iterable[str]) -> None:
    """Mark these e-mails as sent, for a table that lost its claims."""
    now = int(time.time())
    times = {"sent_at": {"N": str(now)}, "expires_at": {"N": str(now + CLAIM_DAYS * 86_400)}}
    for upload_id in upload_ids:
        ctx.dynamodb.put_item(TableName=ctx.settings.email_claims_table, Item={**_key(upload_id), **times})


def _create_link(ctx: AppContext, key: str | None) -> str | None:
    if key is None:
        return None
    return f"{ctx.settings.link_base_url}/reports/{sign_report_link(key, ctx.secret(ctx.settings.link_secret))}"


def _claim(ctx: AppContext, upload_id: str) -> bool:
    """Claim an e-mail; return False if it was sent before. Raises EmailInProgress if another claim is active."""
    now = int(time.time())
    try:
        ctx.dynamodb.put_item(
            TableName=ctx.settings.email_claims_table,
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
            TableName=ctx.settings.email_claims_table, Key=_key(upload_id), ConsistentRead=True
        ).get("Item", {})
        if "sent_at" in claim:
            return False
        raise EmailInProgress(upload_id) from error
    failpoint(Failpoint.EMAIL_CLAIMED)
    return True


def _key(upload_id: str) -> dict[str, dict[str, str]]:
    return {"upload_id": {"S": upload_id}}
