"""Examples of messages, e-mail and report in the documentation are what the code produces."""

from __future__ import annotations

import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from onboarding.aws.error_queue import send_completions, send_row_errors
from onboarding.domain.mapping_json import document_as_json
from onboarding.domain.models import ReportedRow, Row, RowError
from onboarding.files import error_report, fix_file
from onboarding.notifications import email
from onboarding.notifications.events import publish_quarantine, publish_result
from onboarding.pipeline.ingest import S3ObjectVersion, describe_unknown_owner
from onboarding.runtime import AppContext
from onboarding.web.mapping_schemas import DocumentFields, FillDownFields, HeaderTargetFields, NumberFormatFields
from tests.support.doc_pages import DOCS, fences, section
from tests.support.postgres_fixtures import make_upload

API, FILE_FORMAT = DOCS / "api.md", DOCS / "csv-format.md"
UPLOAD = make_upload()
REPORT, FIX_FILE = error_report.report_key(UPLOAD), fix_file.fix_file_key(UPLOAD, fix_file.FixFileFormat.CSV)
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
ERROR_SENTENCE = "8 rows: price '-10.00', expected a number from 0.01 to 999999.99 with at most two decimals"
WARNING = "The column 'colour' is unknown and was not read"
USED_VALUE = "category 'Men' was read as 'Men's Clothing' in 40 rows"


class FakeClient:
    """Fake of queue and topic that records the calls."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []

    def send_message_batch(self, **call: Any) -> dict[str, Any]:
        self.calls.append(call)
        return {}

    publish = send_message_batch


def context(client: FakeClient) -> AppContext:
    return cast(
        "AppContext",
        SimpleNamespace(sqs=client, sns=client, settings=SimpleNamespace(queue_url="http://queue", topic="T")),
    )


def messages() -> list[Any]:
    """Return the messages for a rejected row and a validated upload, each with its attributes."""
    client = FakeClient()
    row = Row(UPLOAD.upload_id, UPLOAD.vendor_id, 5, CELLS)
    send_row_errors(context(client), [(row, [ERROR])])
    send_completions(context(client), [(UPLOAD.upload_id, UPLOAD.vendor_id)])
    [first], [second] = (call["Entries"] for call in client.calls)
    return [(json.loads(entry["MessageBody"]), attributes(entry)) for entry in (first, second)]


def published() -> list[Any]:
    """Return the notifications of a finished upload and of a quarantined object, each with its attributes."""
    client = FakeClient()
    publish_result(
        context(client), UPLOAD, REPORT, FIX_FILE, findings=[ERROR_SENTENCE], warnings=[WARNING], mappings=[USED_VALUE]
    )
    stray = S3ObjectVersion("bucket", "uploads/NOBODY/products.csv", "1")
    publish_quarantine(context(client), stray.key, describe_unknown_owner(stray))
    return [(json.loads(json.loads(call["Message"])["lambda"]), attributes(call)) for call in client.calls]


def attributes(entry: dict[str, Any]) -> dict[str, str]:
    return {name: value["StringValue"] for name, value in entry["MessageAttributes"].items()}


def examples(page: Path, heading: str, language: str) -> list[str]:
    """Return the blocks of a language under a heading."""
    text = section(page, heading)
    blocks = [fence.text for fence in fences(page) if fence.language == language and fence.text in text]
    assert blocks, f"{heading} has no {language}"
    return blocks


def without_time(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != "timestamp"}


def test_queue_messages_match_the_examples() -> None:
    for text, (body, _) in zip(examples(API, "## Queue messages", "json"), messages(), strict=True):
        example = json.loads(text)
        assert without_time(example) == without_time(body)
        assert example.keys() == body.keys()


def test_notifications_match_the_examples() -> None:
    for text, (body, _) in zip(examples(API, "## Notifications", "json"), published(), strict=True):
        assert json.loads(text) == body


def test_mapping_document_of_the_example_is_valid_and_lists_the_fields() -> None:
    [text] = examples(API, "### Mappings", "json")
    assert document_as_json(DocumentFields.model_validate_json(text).parse()).keys() == json.loads(text).keys()
    paragraphs = section(DOCS / "mappings.md", "## Document")
    for fields in (DocumentFields, HeaderTargetFields, NumberFormatFields, FillDownFields):
        assert all(f"`{name}`" in paragraphs for name in fields.model_fields)


def test_message_attributes_are_documented() -> None:
    for heading, sent in (("## Queue messages", messages()), ("## Notifications", published())):
        text = section(API, heading)
        assert all(f"`{name}`" in text for _, names in sent for name in names)


def test_email_matches_the_example() -> None:
    result = email.UploadResult.from_message(published()[0][0])
    [text] = examples(API, "## E-mail", "text")
    assert text == f"Subject: {email.render_subject(result)}\n\n{email.render_body(result, LINK, FIX_LINK)}"


def test_report_matches_the_example() -> None:
    [text] = examples(FILE_FORMAT, "## Results", "csv")
    file = io.BytesIO()
    error_report.write_report(file, [ReportedRow(5, ERROR, CELLS)])
    assert text.replace("\n", "\r\n").encode() == file.getvalue()
