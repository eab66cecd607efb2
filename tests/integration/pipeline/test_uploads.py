"""Uploads on the local stack, from the bucket to the e-mail."""

from __future__ import annotations

import csv
import io
import json
import re
import urllib.request
from decimal import Decimal
from typing import TYPE_CHECKING
from urllib.parse import quote_plus

import pytest
from boto3.s3.transfer import TransferConfig
from openpyxl import Workbook

from onboarding.domain.models import UploadStatus
from onboarding.domain.product_schema import COLUMNS
from onboarding.files.parser import MAX_BYTES
from onboarding.pipeline.ingest import S3ObjectVersion
from onboarding.storage import file_details
from tests.support.running_pipeline import Pipeline, csv_of, product, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_upload_valid_file_is_completed(pipeline: Pipeline) -> None:
    rows = [product(f"good-{n}") for n in range(3)]
    rows[1] |= {"stock_quantity": "0", "price": "10.00", "unit": "", "description": 'says "hello",\nin two lines'}
    upload = pipeline.run("VEND001", "good.csv", csv_of(rows))

    assert upload.status is UploadStatus.COMPLETED
    assert (upload.total_records, upload.valid_records, upload.error_records) == (3, 3, 0)
    assert (upload.file_name, upload.s3_key) == ("good.csv", "uploads/VEND001/good.csv")
    assert upload.error_file_s3_key is None
    first, second, third = pipeline.products(upload.upload_id)
    assert [p["row_number"] for p in (first, second, third)] == [1, 2, 3]
    assert {name: first[name] for name in COLUMNS} == {
        **{name: text or None for name, text in rows[0].items()},
        "price": Decimal("19.99"),
        "stock_quantity": 150,
        "weight_kg": Decimal("0.250"),
        "status": "active",
    }
    assert (second["stock_quantity"], second["price"], second["unit"]) == (0, Decimal("10.00"), "piece")
    assert second["description"] == 'says "hello",\nin two lines'
    assert first["vendor_id"] == "VEND001"

    item = pipeline.validated_item(upload.upload_id, 2)
    assert item["status"] == {"S": "validated"}
    assert item["vendor_id"] == {"S": "VEND001"}
    assert item["product_data"]["M"]["stock_quantity"] == {"N": "0"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", item["processed_at"]["S"])

    email = pipeline.email(upload.upload_id)
    assert email.recipients == ("contact@techgear.com",)
    assert email.subject == "Product Upload Complete - good.csv (100.0% Success)"
    assert "Status: COMPLETED" in email.text
    assert "expires" not in email.text


def test_upload_invalid_rows_are_reported_and_valid_ones_accepted(pipeline: Pipeline) -> None:
    rows = [product(f"bad-{n}") for n in range(6)]
    rows[1]["price"] = "-10.00"
    rows[3] |= {"price": "", "sku": "", "stock_quantity": "1.5", "category": "Gadgets"}
    upload = pipeline.run("VEND002", "bad.csv", csv_of(rows))

    assert upload.status is UploadStatus.PARTIAL
    assert (upload.total_records, upload.valid_records, upload.error_records) == (6, 4, 2)
    assert upload.error_file_s3_key == f"errors/VEND002/{upload.upload_id}_errors.csv"
    assert pipeline.report(upload).splitlines() == [
        "Row Number,Vendor Product ID,SKU,Product Name,Error Type,Error Message,Price,Stock Quantity",
        "2,PROD-bad-1,SKU-bad-1,Wireless Mouse - Model bad-1,INVALID_PRICE,Price must be at least 0.01,-10.00,150",
        '4,PROD-bad-3,,Wireless Mouse - Model bad-3,MISSING_REQUIRED_FIELDS,"Missing required fields: sku, price",,1.5',
        "4,PROD-bad-3,,Wireless Mouse - Model bad-3,INVALID_STOCK_QUANTITY,"  # noqa: ISC004 - one line of the report
        "\"Stock quantity must be a plain whole number, such as 150; found '1.5'\",,1.5",
        "4,PROD-bad-3,,Wireless Mouse - Model bad-3,INVALID_CATEGORY,Invalid category: Gadgets,,1.5",
    ]
    assert [p["row_number"] for p in pipeline.products(upload.upload_id)] == [1, 3, 5, 6]

    item = pipeline.validated_item(upload.upload_id, 4)
    assert item["status"] == {"S": "error"}
    assert item["error_reason"] == {"S": "MISSING_REQUIRED_FIELDS"}
    assert "Invalid category: Gadgets" in item["error_details"]["S"]

    email = pipeline.email(upload.upload_id)
    assert email.recipients == ("sales@stylewear.com",)
    assert email.subject == "Product Upload Complete - bad.csv (66.6% Success)"
    for line in (
        f"Upload ID: {upload.upload_id}",
        "File name: bad.csv",
        "Total records: 6",
        "Valid records: 4 (66.6%)",
        "Invalid records: 2 (33.4%)",
        "Status: PARTIAL",
        "expires in 7 days",
    ):
        assert line in email.text
    link = re.search(r"http://\S+", email.text)
    assert link is not None
    with urllib.request.urlopen(link[0]) as response:  # noqa: S310 - our own link
        assert response.read().decode("utf-8-sig") == pipeline.report(upload)
    assert len(pipeline.emails(upload.upload_id)) == 1


def test_upload_without_valid_row_fails(pipeline: Pipeline) -> None:
    upload = pipeline.run("VEND001", "none.csv", csv_of([product("none", category="Gadgets")]))
    assert upload.status is UploadStatus.FAILED
    assert upload.failure_code is None
    assert (upload.total_records, upload.valid_records, upload.error_records) == (1, 0, 1)
    assert upload.error_file_s3_key is not None


REJECTED_FILES: list[tuple[str, Callable[[], bytes], str]] = [
    ("empty.csv", lambda: b"", "EMPTY_FILE"),
    ("blank.csv", lambda: b"\xef\xbb\xbf \r\n\r\n", "EMPTY_FILE"),
    ("header.csv", lambda: csv_of([]), "NO_ROWS"),
    ("column.csv", lambda: csv_of([product("c")], [c for c in COLUMNS if c != "price"]), "MISSING_COLUMNS"),
    ("large.csv", lambda: csv_of([]) + b"x" * MAX_BYTES, "FILE_TOO_LARGE"),
    ("rows.csv", lambda: csv_of(product(f"rows-{n}") for n in range(10_001)), "TOO_MANY_ROWS"),
    ("cyrillic.csv", lambda: csv_of([product("c", brand="Книга")]).decode().encode("cp1251"), "UNKNOWN_ENCODING"),
    ("old.csv", lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "OLD_EXCEL"),
    ("quote.csv", lambda: csv_of([product("quote")]) + b'"never closed,', "UNREADABLE_CSV"),
]


@pytest.mark.parametrize(("name", "content", "code"), REJECTED_FILES, ids=[code for _, _, code in REJECTED_FILES])
def test_upload_rejected_file_notifies_its_vendor(
    pipeline: Pipeline, name: str, content: Callable[[], bytes], code: str
) -> None:
    upload = pipeline.run("VEND003", name, content())
    assert upload.status is UploadStatus.FAILED
    assert upload.failure_code == code
    assert (upload.total_records, upload.valid_records, upload.error_records) == (0, 0, 0)
    assert pipeline.products(upload.upload_id) == []
    email = pipeline.email(upload.upload_id)
    assert email.recipients == ("info@homeess.com",)
    assert email.subject == f"Product Upload Complete - {name} (0.0% Success)"
    assert "Status: FAILED" in email.text
    assert upload.failure_reason is not None
    assert upload.failure_reason in email.text


def test_upload_first_of_duplicate_rows_wins(pipeline: Pipeline) -> None:
    rows = [product(f"twice-{n}") for n in range(4)]
    rows[2]["sku"] = rows[0]["sku"]
    rows[3]["vendor_product_id"] = rows[1]["vendor_product_id"]
    upload = pipeline.run("VEND001", "twice.csv", csv_of(rows))
    assert pipeline.errors(upload.upload_id) == [
        (3, "DUPLICATE_SKU", "Duplicate SKU: SKU-twice-0 already exists in row 2 of this file"),
        (4, "DUPLICATE_VENDOR_PRODUCT_ID", "Duplicate vendor product ID: PROD-twice-1 is also in row 3 of this file"),
    ]
    assert upload.valid_records == 2


def test_upload_duplicates_across_files_and_vendors_are_rejected(pipeline: Pipeline) -> None:
    pipeline.run("VEND001", "first.csv", csv_of([product("across")]))

    own_upload = pipeline.run("VEND001", "second.csv", csv_of([product("across", brand="Another")]))
    assert pipeline.errors(own_upload.upload_id) == [
        (1, "DUPLICATE_SKU", "Duplicate SKU: SKU-across already exists"),
        (
            1,
            "DUPLICATE_VENDOR_PRODUCT_ID",
            "Duplicate vendor product ID: PROD-across is already one of your products",
        ),
    ]
    assert own_upload.error_records == 1

    # Another vendor may use the same id; the error does not name the vendor that has the SKU.
    other_upload = pipeline.run(
        "VEND002", "third.csv", csv_of([product("across"), product("x-across", vendor_product_id="PROD-across")])
    )
    assert pipeline.errors(other_upload.upload_id)[0] == (
        1,
        "DUPLICATE_SKU",
        "Duplicate SKU: SKU-across already exists",
    )
    assert "VEND001" not in pipeline.report(other_upload)


def test_upload_row_of_inactive_category_is_rejected(pipeline: Pipeline) -> None:
    pipeline.connection.execute("insert into product_categories (category_name, is_active) values ('Retired', false)")
    upload = pipeline.run("VEND001", "retired.csv", csv_of([product("retired", category="Retired")]))
    assert pipeline.errors(upload.upload_id) == [(1, "INVALID_CATEGORY", "Invalid category: Retired")]


def test_upload_of_suspended_vendor_is_rejected(pipeline: Pipeline) -> None:
    email = pipeline.vendor("VEND-SUSPENDED", "suspended")
    upload = pipeline.run("VEND-SUSPENDED", "file.csv", csv_of([product("suspended")]))
    assert (upload.status, upload.failure_code) == (UploadStatus.FAILED, "VENDOR_SUSPENDED")
    assert pipeline.email(upload.upload_id).recipients == (email,)


@pytest.mark.parametrize("key", ["uploads/NOBODY/file.csv", "uploads/file.csv"])
def test_upload_object_without_vendor_is_quarantined(pipeline: Pipeline, key: str) -> None:
    source = pipeline.put_key(key, csv_of([product("nobody")]))
    query = "select reason from quarantined_objects where s3_key = %s and s3_version_id = %s"
    (reason,) = wait_until(
        lambda: pipeline.connection.execute(query, (key, source.version_id)).fetchone(), "the object to be quarantined"
    )
    assert "vendor" in reason
    assert pipeline.upload(pipeline.upload_id(source)) is None


@pytest.mark.parametrize("name", ["my file+ü (1).csv", "deep/er & deeper/100%.csv", "日本語.csv", "a'b\"c;.csv"])
def test_upload_unusual_file_name_is_processed(pipeline: Pipeline, name: str) -> None:
    upload = pipeline.run("VEND001", name, csv_of([product(f"odd-{name}")]))
    assert upload.s3_key == f"uploads/VEND001/{name}"
    assert upload.file_name == name.rsplit("/", 1)[-1]
    assert upload.file_name in pipeline.email(upload.upload_id).subject


@pytest.mark.parametrize("name", ["SPRING.CSV", "Spring.Csv", "spring.tsv", "spring.TXT"])
def test_upload_file_name_with_any_text_extension_is_processed(pipeline: Pipeline, name: str) -> None:
    content = csv_of([product(f"ending-{name}")])
    upload = pipeline.run("VEND001", name, content.replace(b",", b"\t") if name.endswith("tsv") else content)
    assert (upload.status, upload.valid_records, upload.file_name) == (UploadStatus.COMPLETED, 1, name)


@pytest.mark.parametrize("name", ["photo.JPG", "products.xls", "products", ".DS_Store", "products.csv.gz"])
def test_upload_file_name_of_another_type_is_rejected_with_email(pipeline: Pipeline, name: str) -> None:
    upload = pipeline.run("VEND001", f"others/{name}", csv_of([product("other")]))
    assert (upload.status, upload.failure_code) == (UploadStatus.FAILED, "UNKNOWN_FILE_TYPE")
    assert f"'{name}' is not a product file" in pipeline.email(upload.upload_id).text
    assert ".csv, .tsv, .txt or .xlsx" in str(upload.failure_reason)


def test_upload_folder_marker_is_ignored(pipeline: Pipeline) -> None:
    marker = pipeline.put_key("uploads/VEND001/folder/", b"")
    rejected = pipeline.finished(pipeline.upload_id(pipeline.put_key("uploads/VEND001/folder/", b"content")))
    assert rejected.failure_code == "UNKNOWN_FILE_TYPE"
    assert pipeline.upload(pipeline.upload_id(marker)) is None
    query = "select from quarantined_objects where s3_key = 'uploads/VEND001/folder/'"
    assert pipeline.connection.execute(query).fetchall() == []


def test_upload_byte_order_mark_and_crlf_are_processed(pipeline: Pipeline) -> None:
    content = b"\xef\xbb\xbf" + csv_of([product("bom"), product("bom-2")])
    assert b"\r\n" in content
    assert pipeline.run("VEND001", "bom.csv", content).status is UploadStatus.COMPLETED


def test_upload_workbook_is_completed(pipeline: Pipeline) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for values in [COLUMNS, *(list(product(f"workbook-{n}").values()) for n in range(2))]:
        sheet.append(list(values))
    content = io.BytesIO()
    book.save(content)
    upload = pipeline.run("VEND001", "products.xlsx", content.getvalue())
    assert (upload.status, upload.valid_records) == (UploadStatus.COMPLETED, 2)
    assert pipeline.products(upload.upload_id)[0]["sku"] == "SKU-workbook-0"


def test_upload_typical_file_has_file_details(pipeline: Pipeline) -> None:
    rows = [product(f"german-{n}", brand="Müller", price="1.234,50", weight_kg="0,5") for n in range(2)]
    text = csv_of([{**row, "Farbe": "rot"} for row in rows], [*COLUMNS, "Farbe"]).decode()
    lines = list(csv.reader(io.StringIO(text)))
    lines[0][lines[0].index("stock_quantity")] = "Lagerbestand"
    text_file = io.StringIO(newline="")
    csv.writer(text_file, delimiter=";").writerows(lines)
    upload = pipeline.run("VEND001", "german.csv", text_file.getvalue().encode("cp1252"))
    assert (upload.status, upload.valid_records) == (UploadStatus.COMPLETED, 2)
    first = pipeline.products(upload.upload_id)[0]
    assert (first["brand"], first["price"], first["weight_kg"]) == ("Müller", Decimal("1234.50"), Decimal("0.500"))
    detected = file_details.get_file_details(pipeline.connection, upload.upload_id)
    assert detected is not None
    assert detected.sentence() == (
        "CSV, Windows-1252, semicolon, CRLF, header in line 1, decimal comma in price and weight_kg; "
        "read as: Lagerbestand = stock_quantity"
    )
    warnings = file_details.list_warnings(pipeline.connection, upload.upload_id)
    assert [warning.code for warning in warnings] == ["READ_AS_WINDOWS_1252", "UNKNOWN_COLUMN"]


def test_upload_same_file_name_again_is_another_upload(pipeline: Pipeline) -> None:
    first = pipeline.put("VEND001", "again.csv", csv_of([product("again-1")]))
    second = pipeline.put("VEND001", "again.csv", csv_of([product("again-2")]))
    assert first != second
    assert pipeline.finished(first).valid_records == 1
    assert pipeline.finished(second).valid_records == 1


def make_s3_event(source: S3ObjectVersion) -> bytes:
    s3_object = {"key": quote_plus(source.key), "versionId": source.version_id}
    return json.dumps({"Records": [{"s3": {"bucket": {"name": source.bucket}, "object": s3_object}}]}).encode()


def test_upload_repeated_s3_event_changes_nothing(pipeline: Pipeline) -> None:
    rows = [product(f"event-{n}") for n in range(30)]
    rows[7]["price"] = "free"
    source = pipeline.put_key("uploads/VEND001/event.csv", csv_of(rows))
    before = pipeline.finished(pipeline.upload_id(source))
    response = pipeline.lambdas.invoke(FunctionName="csv-parser", Payload=make_s3_event(source))
    assert "FunctionError" not in response, response["Payload"].read()
    assert pipeline.finished(before.upload_id) == before
    assert len(pipeline.products(before.upload_id)) == 29
    # A later upload uses the same queue and topic: a second e-mail of the first upload would arrive before its e-mail.
    pipeline.run("VEND001", "after.csv", csv_of([product("event-after")]))
    assert len(pipeline.emails(before.upload_id)) == 1


def test_upload_repeated_stream_batch_changes_nothing(pipeline: Pipeline) -> None:
    rows = [product(f"batch-{n}") for n in range(5)]
    rows[2]["stock_quantity"] = "-1"
    before = pipeline.run("VEND002", "batch.csv", csv_of(rows))
    products, errors = pipeline.products(before.upload_id), pipeline.errors(before.upload_id)
    images = [pipeline.item(before.upload_id, number) for number in range(1, 6)]
    records = [
        {"eventName": "INSERT", "dynamodb": {"NewImage": image | {"status": {"S": "pending_validation"}}}}
        for image in [*images, images[0]]
    ]
    response = pipeline.lambdas.invoke(
        FunctionName="product-validator", Payload=json.dumps({"Records": records}).encode()
    )
    assert "FunctionError" not in response, response["Payload"].read()
    assert pipeline.upload(before.upload_id) == before
    assert (pipeline.products(before.upload_id), pipeline.errors(before.upload_id)) == (products, errors)


def test_upload_multipart_file_is_one_upload(pipeline: Pipeline, tmp_path: Path) -> None:
    """S3 clients send large files in parts. S3 accepts no part under 5 MB except the last."""
    rows = [product(f"parts-{n}", description=f"{n} ".ljust(2_000, ".")) for n in range(3_000)]
    rows[-1]["price"] = "0"
    path = tmp_path / "parts.csv"
    path.write_bytes(csv_of(rows))
    part = 5 * 1024 * 1024
    assert path.stat().st_size > part
    key = "uploads/VEND001/parts.csv"
    config = TransferConfig(multipart_threshold=part, multipart_chunksize=part)
    pipeline.s3.upload_file(str(path), pipeline.endpoints.bucket, key, Config=config)
    head = pipeline.s3.head_object(Bucket=pipeline.endpoints.bucket, Key=key)
    assert head["ETag"].strip('"').endswith("-2"), "the file has two parts"
    source = S3ObjectVersion(pipeline.endpoints.bucket, key, head["VersionId"])
    upload = pipeline.finished(source.upload_id(head["LastModified"]))
    assert upload.file_size_bytes == path.stat().st_size
    assert (upload.total_records, upload.valid_records, upload.error_records) == (3_000, 2_999, 1)
    assert pipeline.errors(upload.upload_id)[0][:2] == (3_000, "INVALID_PRICE")
    query = "select count(*) from upload_history where s3_key = %s"
    assert pipeline.connection.execute(query, (key,)).fetchone() == (1,)


def test_upload_ten_thousand_rows_with_every_error_is_processed(pipeline: Pipeline) -> None:
    rows = [product(f"many-{n}") for n in range(10_000)]
    faults = [
        ("MISSING_REQUIRED_FIELDS", {"product_name": ""}),
        ("INVALID_PRICE", {"price": "0.00"}),
        ("INVALID_STOCK_QUANTITY", {"stock_quantity": "1000001"}),
        ("FIELD_LENGTH_EXCEEDED", {"brand": "b" * 101}),
        ("INVALID_CATEGORY", {"category": "Gadgets"}),
        ("DUPLICATE_SKU", {"sku": rows[0]["sku"]}),
        ("DUPLICATE_VENDOR_PRODUCT_ID", {"vendor_product_id": rows[0]["vendor_product_id"]}),
    ]
    expected = {}
    for number in range(20, 10_001, 20):
        error_type, cells = faults[number // 20 % len(faults)]
        rows[number - 1] |= cells
        expected[number] = error_type
    upload = pipeline.run("VEND003", "many.csv", csv_of(rows))
    assert (upload.total_records, upload.valid_records, upload.error_records) == (10_000, 9_500, 500)
    assert {row: error_type for row, error_type, _ in pipeline.errors(upload.upload_id)} == expected
    assert len(pipeline.report(upload).splitlines()) == 501


def test_upload_concurrent_files_are_independent(pipeline: Pipeline) -> None:
    owners = {"VEND001": "contact@techgear.com", "VEND002": "sales@stylewear.com", "VEND003": "info@homeess.com"}
    started = {
        pipeline.put(vendor, f"same-{n}.csv", csv_of(product(f"{vendor}-{n}-{i}") for i in range(40))): vendor
        for n in range(3)
        for vendor in owners
    }
    for upload_id, vendor in started.items():
        upload = pipeline.finished(upload_id)
        assert (upload.vendor_id, upload.valid_records) == (vendor, 40)
        assert [email.recipients for email in pipeline.emails(upload_id)] == [(owners[vendor],)]
