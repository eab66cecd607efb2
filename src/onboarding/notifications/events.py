"""Notifications of finished uploads and quarantined objects, published to the SNS topic."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from onboarding.domain.models import Upload
from onboarding.domain.text import one_line
from onboarding.runtime import AppContext


def publish_result(
    ctx: AppContext,
    upload: Upload,
    error_file_s3_key: str | None,
    fix_file_s3_key: str | None = None,
    *,
    findings: Sequence[str] = (),
    warnings: Sequence[str] = (),
    mappings: Sequence[str] = (),
    correction: str = "",
    is_edit: bool = False,
    cursor: str | None = None,
) -> None:
    """Publish the result of an upload to the topic, as JSON for functions and as text for e-mails to operators.

    `findings` are the most frequent errors, `warnings` those about accepted values, and `mappings` the effects of
    the vendor's mappings, one sentence each. `correction` says which upload this one corrects. `is_edit`: the file
    has changes that were entered in the portal or sent to the API. `cursor` is the position of its changes in the
    change feed, if the marketplace has a webhook.
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
        "parent_upload_id": upload.parent_upload_id,
    }
    text = "\n".join(f"{name}: {one_line(str(value))}" for name, value in result.items() if value is not None)
    result |= {"findings": list(findings), "warnings": list(warnings), "mappings": list(mappings)}
    result |= {"correction": correction, "is_edit": is_edit, "cursor": cursor}
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
