"""The examples of docs/formats.md are what the code makes of the same upload."""

from __future__ import annotations

import io
import json
from types import SimpleNamespace
from typing import Any, cast

from onboarding.domain.models import Row, RowError
from onboarding.files import error_report, fix_file
from onboarding.notifications import email
from onboarding.notifications.events import publish_quarantine, publish_result, send_completions, send_row_errors
from onboarding.pipeline.ingest import S3ObjectVersion, describe_unknown_owner
from onboarding.runtime import AppContext
from onboarding.storage.uploads import ReportedRow
from tests.support.doc_pages import DOCS, Fence, fences, section
from tests.support.postgres_fixtures import an_upload

PAGE = DOCS / "formats.md"
UPLOAD = an_upload()
REPORT, FIX_FILE = error_report.report_key(UPLOAD), fix_file.fix_file_key(UPLOAD)
LINK, FIX_LINK = "https://api.example.com/reports/TOKEN", "https://api.example.com/reports/ANOTHER"
CELLS = {
    "vendor_product_id": "PROD0005",
    "product_name": "Invalid Product",
    "category": "Garden",
    "sku": "SKU-005",
    "price": "-10.00",
    "stock_quantity": "100",
}
ERROR = RowError("INVALID_PRICE", "price", "Price must be at least 0.01")
FINDING = "8 rows: price '-10.00', expected a number from 0.01 to 999999.99 with at most two decimals"
WARNING = "The column 'colour' is none of ours; it was not read"


class Heard:
    """Stands in for queue and topic, and keeps what is said."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []

    def send_message_batch(self, **call: Any) -> dict[str, Any]:
        self.calls.append(call)
        return {}

    publish = send_message_batch


def context(heard: Heard) -> AppContext:
    return cast(
        "AppContext",
        SimpleNamespace(sqs=heard, sns=heard, settings=SimpleNamespace(queue_url="http://queue", topic="T")),
    )


def messages() -> list[Any]:
    """What the queue gets for a rejected row and for a finished upload: bodies, each beside its attributes."""
    heard = Heard()
    row = Row(UPLOAD.upload_id, UPLOAD.vendor_id, 5, CELLS)
    send_row_errors(context(heard), [(row, [ERROR])])
    send_completions(context(heard), [(UPLOAD.upload_id, UPLOAD.vendor_id)])
    [first], [second] = (call["Entries"] for call in heard.calls)
    return [(json.loads(entry["MessageBody"]), attributes(entry)) for entry in (first, second)]


def published() -> list[Any]:
    """What the topic gets for a finished upload and for an object without a vendor."""
    heard = Heard()
    publish_result(context(heard), UPLOAD, REPORT, FIX_FILE, findings=[FINDING], warnings=[WARNING])
    stray = S3ObjectVersion("bucket", "uploads/NOBODY/products.csv", "1")
    publish_quarantine(context(heard), stray.key, describe_unknown_owner(stray))
    return [(json.loads(json.loads(call["Message"])["lambda"]), attributes(call)) for call in heard.calls]


def attributes(said: dict[str, Any]) -> dict[str, str]:
    return {name: value["StringValue"] for name, value in said["MessageAttributes"].items()}


def shown(heading: str, language: str) -> list[str]:
    """The blocks of a language under a heading of the page."""
    under = section(PAGE, heading)
    found: list[Fence] = [fence for fence in fences(PAGE) if fence.language == language and fence.text in under]
    assert found, f"{heading} shows no {language}"
    return [fence.text for fence in found]


def without_time(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != "timestamp"}


def test_the_messages_of_the_queue_are_as_shown() -> None:
    for text, (body, _) in zip(shown("## In the queue", "json"), messages(), strict=True):
        told = json.loads(text)
        assert without_time(told) == without_time(body)
        assert told.keys() == body.keys()


def test_the_messages_of_the_topic_are_as_shown() -> None:
    for text, (body, _) in zip(shown("## From the topic", "json"), published(), strict=True):
        assert json.loads(text) == body


def test_the_attributes_are_those_that_the_page_names() -> None:
    for heading, said in (("## In the queue", messages()), ("## From the topic", published())):
        text = section(PAGE, heading)
        assert all(f"`{name}`" in text for _, named in said for name in named)


def test_the_mail_is_as_shown() -> None:
    result = email.UploadResult(**published()[0][0])
    [text] = shown("## The mail", "text")
    assert text == f"Subject: {email.render_subject(result)}\n\n{email.render_body(result, LINK, FIX_LINK)}"


def test_the_report_is_as_shown() -> None:
    [text] = shown("## The report", "csv")
    file = io.BytesIO()
    error_report.write_report(file, [ReportedRow(5, ERROR, CELLS)])
    assert text.replace("\n", "\r\n").encode() == file.getvalue()
