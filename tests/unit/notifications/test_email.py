"""Result e-mail: subject and body in the contract's format, and the claims that prevent a second e-mail."""

from __future__ import annotations

import json
from dataclasses import asdict
from email.message import EmailMessage
from types import SimpleNamespace
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError
from hypothesis import example, given, settings
from hypothesis import strategies as st

from onboarding.notifications.email import (
    FINDINGS_TITLE,
    EmailInProgress,
    UploadResult,
    list_unsent,
    render_body,
    render_subject,
    send_result_email,
    success_rate,
)
from onboarding.notifications.report_links import verify_report_link
from onboarding.runtime import AppContext

REPORT = "errors/VEND001/UPLOAD_20241221_103045_0a1b2c3d_errors.csv"


def make_result(**changes: Any) -> UploadResult:
    values: dict[str, Any] = {
        "upload_id": "UPLOAD_20241221_103045_0a1b2c3d",
        "vendor_id": "VEND001",
        "vendor_name": "TechGear",
        "vendor_email": "contact@techgear.com",
        "file_name": "products.csv",
        "status": "partial",
        "total_records": 100,
        "valid_records": 92,
        "error_records": 8,
        "failure_reason": None,
        "error_file_s3_key": REPORT,
    }
    return UploadResult(**{**values, **changes})


def test_render_subject_partial_upload_equals_contract() -> None:
    assert render_subject(make_result()) == "Product Upload Complete - products.csv (92.0% Success)"


def test_render_body_partial_upload_equals_contract() -> None:
    lines = render_body(make_result(), "https://example.com/reports/t0ken").splitlines()
    expected = [
        "Upload ID: UPLOAD_20241221_103045_0a1b2c3d",
        "File name: products.csv",
        "Total records: 100",
        "Valid records: 92 (92.0%)",
        "Invalid records: 8 (8.0%)",
        "Status: PARTIAL",
    ]
    start = lines.index(expected[0])
    assert lines[start : start + len(expected)] == expected
    link = lines.index("https://example.com/reports/t0ken")
    assert "expires in 7 days" in lines[link + 1]
    assert lines[0] == "Hello TechGear,"


def test_render_body_with_findings_and_warnings_has_both_links() -> None:
    result = make_result(findings=["312 rows: category 'Elektronics'", "and 2 other mistakes"], warnings=["Not\nread"])
    lines = render_body(result, "https://example.com/r/1", "https://example.com/r/2").splitlines()
    start = lines.index(FINDINGS_TITLE)
    assert lines[start + 1 : start + 3] == ["- 312 rows: category 'Elektronics'", "- and 2 other mistakes"]
    assert "- Not read" in lines
    for link in ("https://example.com/r/1", "https://example.com/r/2"):
        assert lines[lines.index(link) + 1] == "This link expires in 7 days."


def test_render_body_of_correcting_upload_names_the_corrected_one() -> None:
    result = make_result(correction="This upload corrects a\nb.csv: its rejected row is fixed.")
    assert "Status: PARTIAL\n\nThis upload corrects a b.csv: its rejected row is fixed.\n\n" in render_body(result, "l")


def test_render_body_without_errors_has_no_link() -> None:
    without_errors = make_result(status="completed", valid_records=100, error_records=0, error_file_s3_key=None)
    text = render_body(without_errors, None)
    assert "Valid records: 100 (100.0%)\nInvalid records: 0 (0.0%)\nStatus: COMPLETED\n" in text
    assert "expires" not in text
    assert "report" not in text
    assert render_subject(without_errors).endswith("(100.0% Success)")


def test_render_body_of_rejected_file_has_the_reason() -> None:
    rejected = make_result(
        status="failed",
        total_records=0,
        valid_records=0,
        error_records=0,
        failure_reason="The file is empty",
        error_file_s3_key=None,
    )
    text = render_body(rejected, None)
    assert "Total records: 0\nValid records: 0 (0.0%)\nInvalid records: 0 (0.0%)\nStatus: FAILED\n" in text
    assert "The file was rejected:\nThe file is empty\n" in text
    assert render_subject(rejected).endswith("(0.0% Success)")


@settings(deadline=None, max_examples=150)
@given(st.integers(1, 10_000).flatmap(lambda total: st.tuples(st.just(total), st.integers(0, total))))
@example((10_000, 9_999))
@example((3, 2))
@example((1_001, 1))
def test_success_rate_with_errors_is_below_100(counts: tuple[int, int]) -> None:
    total, valid = counts
    result = make_result(total_records=total, valid_records=valid, error_records=total - valid)
    rate = success_rate(result)
    assert ("(100.0% Success)" in render_subject(result)) == (valid == total)
    assert valid * 100 - rate * total < total * 0.1 + 1e-6
    # 0.0 means that no row was accepted: a smaller rate than 0.1 is rounded up.
    assert rate * total <= valid * 100 + 1e-6 or (rate == 0.1 and valid)
    valid_percent, invalid_percent = (
        float(line.rsplit("(", 1)[1].removesuffix("%)"))
        for line in render_body(result, None).splitlines()
        if line.startswith(("Valid", "Invalid"))
    )
    assert round(valid_percent + invalid_percent, 1) == 100.0
    assert valid_percent == rate


NAMES = st.text("ab\r\n\x0b\x0c\x1c\x1e\x85\u2028\u2029\0\x7f: \u00e4", max_size=30)


@settings(deadline=None, max_examples=150)
@given(NAMES)
@example("a.csv\r\nBcc: everybody@example.com")
@example("a\u2028Bcc: everybody@example.com")
def test_render_body_file_name_with_line_breaks_stays_on_its_line(name: str) -> None:
    result = make_result(file_name=name)
    line = render_subject(result)
    assert len(line.splitlines()) == 1
    # The standard library rejects a header with line breaks, as e-mail services do.
    message = EmailMessage()
    message["Subject"] = line
    assert message.keys() == ["Subject"]
    expected = render_body(make_result(file_name="x"), None).splitlines()
    lines = render_body(result, None).splitlines()
    assert len(lines) == len(expected)
    assert [
        new for new, old in zip(lines, expected, strict=True) if new != old and not new.startswith("File name:")
    ] == []


@given(st.text())
@example("uploads/A/a.csv\r\n\r\nStatus: COMPLETED")
def test_render_body_vendor_text_with_line_breaks_stays_on_its_line(text: str) -> None:
    expected = render_body(
        make_result(failure_reason="x", vendor_name="x", findings=["x"], warnings=["x"], mappings=["x"]), None
    )
    result = make_result(
        failure_reason=text or "x", vendor_name=text, findings=[text], warnings=[text], mappings=[text]
    )
    assert len(render_body(result, None).splitlines()) == len(expected.splitlines())


# Sending


class ConditionFailed(Exception):
    """Double of DynamoDB's ConditionalCheckFailedException."""


class ServicesDouble:
    """Double of SES, of the table of claims for one upload, and of the secret with the link keys."""

    def __init__(self, claim: dict[str, Any] | None = None, fault: Exception | None = None) -> None:
        self.claim = claim
        self.fault = fault
        self.calls: list[str] = []
        self.emails: list[dict[str, Any]] = []

    def put_item(self, *, Item: dict[str, Any], **_: Any) -> None:  # noqa: N803
        self.calls.append("claim")
        if self.claim is not None:
            raise ConditionFailed
        self.claim = Item

    def get_item(self, **_: Any) -> dict[str, Any]:
        return {"Item": self.claim} if self.claim is not None else {}

    def delete_item(self, **_: Any) -> None:
        self.calls.append("release")
        self.claim = None

    def update_item(self, *, ExpressionAttributeValues: dict[str, Any], **_: Any) -> None:  # noqa: N803
        self.calls.append("mark")
        assert self.claim is not None
        self.claim["sent_at"] = ExpressionAttributeValues[":now"]

    def send_email(self, **email: Any) -> None:
        self.calls.append("send")
        if self.fault is not None:
            raise self.fault
        self.emails.append(email)

    def context(self) -> AppContext:
        exceptions = SimpleNamespace(ConditionalCheckFailedException=ConditionFailed, ClientError=ClientError)
        return cast(
            "AppContext",
            SimpleNamespace(
                dynamodb=SimpleNamespace(
                    put_item=self.put_item,
                    get_item=self.get_item,
                    delete_item=self.delete_item,
                    update_item=self.update_item,
                    exceptions=exceptions,
                ),
                ses=SimpleNamespace(send_email=self.send_email, exceptions=exceptions),
                secret=lambda name: {"current": f"key of {name}"},
                settings=SimpleNamespace(
                    email_claims_table="product-onboarding-email-claims",
                    email_sender="shop@example.com",
                    link_secret="product-onboarding/link-keys",
                    link_base_url="https://api.example.com",
                ),
            ),
        )


def test_send_result_email_is_sent_to_its_vendor_with_report_link() -> None:
    services = ServicesDouble()
    assert send_result_email(services.context(), make_result())
    assert services.calls == ["claim", "send", "mark"]
    (email,) = services.emails
    assert email["Destination"] == {"ToAddresses": ["contact@techgear.com"]}
    assert email["Source"] == "shop@example.com"
    assert email["Message"]["Subject"]["Data"] == render_subject(make_result())
    text = email["Message"]["Body"]["Text"]["Data"]
    (link,) = [line for line in text.splitlines() if line.startswith("https://api.example.com/reports/")]
    assert verify_report_link(link.rsplit("/", 1)[1], {"current": "key of product-onboarding/link-keys"}) == REPORT
    assert text == render_body(make_result(), link)


def test_send_result_email_repeated_result_is_sent_once() -> None:
    services = ServicesDouble()
    assert send_result_email(services.context(), make_result())
    assert not send_result_email(services.context(), make_result())
    assert len(services.emails) == 1


def test_send_result_email_rejected_by_ses_releases_its_claim() -> None:
    rejection = ClientError({"Error": {"Code": "Throttling", "Message": "slow down"}}, "SendEmail")
    services = ServicesDouble(fault=rejection)
    with pytest.raises(ClientError):
        send_result_email(services.context(), make_result())
    assert services.calls == ["claim", "send", "release"]
    services.fault = None
    assert send_result_email(services.context(), make_result())
    assert len(services.emails) == 1


def test_send_result_email_after_timeout_keeps_its_claim() -> None:
    services = ServicesDouble(fault=TimeoutError())
    with pytest.raises(TimeoutError):
        send_result_email(services.context(), make_result())
    services.fault = None
    with pytest.raises(EmailInProgress):
        send_result_email(services.context(), make_result())
    assert services.emails == []


def test_list_unsent_many_uploads_reads_pages_and_skips_unread_claims() -> None:
    uploads = [f"UPLOAD_{number}" for number in range(250)]
    page_sizes: list[int] = []

    def batch_get_item(*, RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
        keys = RequestItems["product-onboarding-email-claims"]["Keys"]
        page_sizes.append(len(keys))
        claims = [{**key, **({"sent_at": {"N": "1"}} if number else {})} for number, key in enumerate(keys[:-2])]
        # The last claim is missing, the one before it was not read.
        return {
            "Responses": {"product-onboarding-email-claims": claims},
            "UnprocessedKeys": {"product-onboarding-email-claims": {"Keys": keys[-2:-1]}},
        }

    ctx = ServicesDouble().context()
    cast("Any", ctx.dynamodb).batch_get_item = batch_get_item
    assert list_unsent(ctx, uploads) == [f"UPLOAD_{number}" for number in (0, 99, 100, 199, 200, 249)]
    assert page_sizes == [100, 100, 50]
    assert list_unsent(ctx, []) == []


def test_from_message_published_result_is_equal() -> None:
    assert UploadResult.from_message(json.loads(json.dumps(asdict(make_result())))) == make_result()


def test_from_message_of_another_version_tolerates_unknown_and_missing_fields() -> None:
    message = asdict(make_result()) | {"added_later": [1]}
    assert UploadResult.from_message(message) == make_result()
    optional = ("fix_file_s3_key", "findings", "warnings", "mappings", "failure_reason", "error_file_s3_key")
    for name in (*optional, "parent_upload_id", "correction"):
        del message[name]
    assert UploadResult.from_message(message).upload_id == make_result().upload_id


def test_render_body_failure_reason_with_line_breaks_stays_on_its_line() -> None:
    text = render_body(make_result(failure_reason="As a.csv\r\nBcc: x"), None)
    assert "As a.csv Bcc: x" in text.splitlines()


@pytest.mark.parametrize(
    ("is_edit", "status", "needs_email"),
    [(False, "completed", True), (True, "completed", False), (True, "partial", True), (True, "failed", True)],
)
def test_result_of_accepted_edits_needs_no_email(*, is_edit: bool, status: str, needs_email: bool) -> None:
    assert make_result(is_edit=is_edit, status=status).needs_email is needs_email
