"""Results of uploads on the local stack: e-mails, fix files, options, undo."""

from __future__ import annotations

import csv
import io
import re
import urllib.request
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

import pytest

from onboarding.aws import error_queue, staging_table
from onboarding.domain.category_choices import describe_categories
from onboarding.domain.models import Row, Upload, UploadStatus
from onboarding.domain.product_schema import COLUMNS, DEFAULT_CATEGORIES
from onboarding.files.formula_escaping import unescape_formula
from onboarding.pipeline import recovery
from onboarding.pipeline.finalize import finalize_upload
from onboarding.pipeline.ingest import ingest_object
from onboarding.pipeline.undo import undo_upload
from onboarding.pipeline.validate import record_outcomes, validate_batch
from onboarding.runtime import AppContext
from onboarding.storage.held_rows import purge_held_rows
from tests.support.postgres_fixtures import ACTOR, open_database
from tests.support.running_pipeline import Pipeline, csv_of, product

FILE_COLUMNS = ("Shelf", *COLUMNS, "Remark")


def download_links(pipeline: Pipeline, upload: Upload) -> list[bytes]:
    """Return the content of each link in the e-mail."""
    contents = []
    for link in re.findall(r"http://\S+", pipeline.email(upload.upload_id).text):
        with urllib.request.urlopen(link) as response:  # noqa: S310 - our own link
            contents.append(response.read())
    return contents


def read_csv(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))


def test_upload_fixed_fix_file_completes_the_upload(pipeline: Pipeline) -> None:
    """The vendor corrects only the reported values."""
    rows = [
        product(f"fix-{n}") | {"Shelf": f"=A{n}", "Remark": f" 'kept {n}' ", "description": '-two\nlines, "quoted"'}
        for n in range(6)
    ]
    rows[1] |= {"price": "-10.00", "category": "Computer Acessories"}
    rows[3]["sku"] = rows[0]["sku"]
    rows[4]["stock_quantity"] = ""
    upload = pipeline.run("VEND001", "fix.csv", csv_of(rows, FILE_COLUMNS))
    assert (upload.valid_records, upload.error_records) == (3, 3)

    assert upload.fix_file_s3_key == f"errors/VEND001/{upload.upload_id}_fix.csv"
    fix_file = pipeline.content(upload.fix_file_s3_key)
    assert download_links(pipeline, upload) == [pipeline.content(upload.error_file_s3_key), fix_file]
    header, *lines = read_csv(fix_file)
    assert header == ["_upload", "_row", "_errors", "_hint", *FILE_COLUMNS]
    assert {line[0] for line in lines} == {upload.upload_id}
    assert [line[1] for line in lines] == ["3", "5", "6"]
    assert lines[0][2:4] == [
        "Price must be at least 0.01; Invalid category: Computer Acessories",
        "Did you mean 'Computer Accessories'?",
    ]
    assert lines[1][3] == "Row 2 has the same SKU"
    for line, row in zip(lines, (rows[1], rows[3], rows[4]), strict=True):
        assert [unescape_formula(value) for value in line[4:]] == [row[column] for column in FILE_COLUMNS]
        assert not any(value.startswith(("=", "@")) for value in line)

    index = {column: number for number, column in enumerate(header)}
    lines[0][index["price"]] = "10.00"
    lines[0][index["category"]] = "Computer Accessories"
    lines[1][index["sku"]] = "SKU-fix-3-new"
    lines[2][index["stock_quantity"]] = "0"
    text = io.StringIO(newline="")
    csv.writer(text).writerows([header, *lines])
    fixed = pipeline.run("VEND001", "fix-fixed.csv", text.getvalue().encode("utf-8-sig"))
    assert fixed.status is UploadStatus.COMPLETED
    assert (fixed.total_records, fixed.error_records) == (3, 0)
    stored = pipeline.products(fixed.upload_id)
    assert [p["vendor_product_id"] for p in stored] == ["PROD-fix-1", "PROD-fix-3", "PROD-fix-4"]
    assert {p["description"] for p in stored} == {rows[0]["description"]}


def test_upload_equal_errors_are_grouped_in_email_and_history(pipeline: Pipeline) -> None:
    rows = [product(f"group-{n}", category="Elektronics") for n in range(12)]
    rows[3]["price"] = "$1,234.50"
    upload = pipeline.run("VEND002", "group.csv", csv_of(rows, (*COLUMNS, "Shelf")))
    text = pipeline.email(upload.upload_id).text
    assert "- 12 rows: category 'Elektronics', did you mean 'Electronics'?\n" in text
    assert "- Row 5: price '$1,234.50', did you mean 1234.50?\n" in text
    assert "Warnings (these values were imported unchanged):\n- " in text
    assert "Shelf" in text
    stored = pipeline.connection.execute(
        "select rejected_value, expected, hint from validation_errors "
        "where upload_id = %s and row_number = 4 order by error_id",
        (upload.upload_id,),
    ).fetchall()
    assert stored == [
        ("$1,234.50", "a number from 0.01 to 999999.99 with at most two decimals", "Did you mean 1234.50?"),
        (
            "Elektronics",
            describe_categories(DEFAULT_CATEGORIES),
            "Did you mean 'Electronics'?",
        ),
    ]


def test_upload_update_can_be_undone(pipeline: Pipeline) -> None:
    created = pipeline.run("VEND003", "create.csv", csv_of([product(f"update-{n}") for n in range(3)]))
    columns = ("vendor_product_id", "price", "brand")
    rows = [
        {"vendor_product_id": "PROD-update-0", "price": "5.00", "brand": ""},
        {"vendor_product_id": "PROD-update-1", "price": "", "brand": "(clear)"},
        {"vendor_product_id": "PROD-update-2", "price": "19.99", "brand": ""},
        {"vendor_product_id": "PROD-update-9", "price": "1.00", "brand": ""},
    ]
    upload = pipeline.run("VEND003", "update.csv", csv_of(rows, columns), mode="update")
    assert upload.status is UploadStatus.PARTIAL
    assert (upload.created_records, upload.updated_records, upload.unchanged_records, upload.error_records) == (
        0,
        2,
        1,
        1,
    )
    assert [(p["price"], p["brand"]) for p in pipeline.products(created.upload_id)] == [
        (Decimal("5.00"), "TechGear"),
        (Decimal("19.99"), None),
        (Decimal("19.99"), "TechGear"),
    ]
    assert pipeline.validated_item(upload.upload_id, 4)["error_reason"] == {"S": "UNKNOWN_PRODUCT"}

    database = open_database(pipeline.endpoints.database_url)
    assert undo_upload(database, upload.upload_id, ACTOR).restored == 2
    assert undo_upload(database, created.upload_id, ACTOR).removed == 3
    database.close()
    assert pipeline.products(created.upload_id) == []
    undone = pipeline.upload(created.upload_id)
    assert undone is not None
    assert (undone.status, undone.undone_at is None) == (UploadStatus.COMPLETED, False)


def test_upload_reject_file_with_invalid_row_rejects_all_rows(pipeline: Pipeline) -> None:
    rows = [product(f"whole-{n}") for n in range(250)]
    rows[120]["price"] = "free"
    upload = pipeline.run("VEND001", "whole.csv", csv_of(rows), on_error="reject_file")
    assert (upload.status, upload.valid_records, upload.error_records) == (UploadStatus.FAILED, 0, 250)
    assert pipeline.products(upload.upload_id) == []
    for number, reason in ((1, "FILE_REJECTED"), (121, "INVALID_PRICE"), (250, "FILE_REJECTED")):
        assert pipeline.validated_item(upload.upload_id, number)["error_reason"] == {"S": reason}
    header, *lines = read_csv(pipeline.content(upload.fix_file_s3_key))
    assert len(lines) == 250
    lines[120][header.index("price")] = "1.00"
    text = io.StringIO(newline="")
    csv.writer(text).writerows([header, *lines])
    fixed = pipeline.run("VEND001", "whole-fixed.csv", text.getvalue().encode(), on_error="reject_file")
    assert (fixed.status, fixed.valid_records) == (UploadStatus.COMPLETED, 250)
    assert pipeline.validated_item(fixed.upload_id, 1)["status"] == {"S": "validated"}
    assert count_held_rows(pipeline, upload.upload_id, fixed.upload_id) == 0, "all notifications were sent"


def count_held_rows(pipeline: Pipeline, *uploads: str) -> int:
    query = "select count(*) from held_rows where upload_id = any(%s)"
    row = pipeline.connection.execute(query, (list(uploads),)).fetchone()
    return int(row[0]) if row else 0


def test_held_rows_notifications_are_retried_until_sent(pipeline: Pipeline, ctx: AppContext) -> None:
    """The messages of held rows repeat until the rows are deleted, after all messages have been sent."""
    cells = [{column: text for column, text in product(f"held-{n}").items() if text} for n in range(6)]
    cells[0]["price"] = "free"
    with pipeline.without_bucket_notifications():
        source = pipeline.put_key("uploads/VEND001/held.csv", csv_of(cells), on_error="reject_file")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(staging_table, "stage_rows", lambda *_: None)
        upload_id = ingest_object(ctx, source).upload_id
    assert upload_id is not None
    items = [staging_table.to_item(Row(upload_id, "VEND001", n, row)) for n, row in enumerate(cells, 1)]
    sent: list[list[int]] = []

    def send(_: AppContext, invalid: Sequence[tuple[Row, object]]) -> None:
        sent.append(sorted(row.row_number for row, _ in invalid))
        if len(sent) == 3:
            raise RuntimeError("the process ends")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(error_queue, "send_row_errors", send)
        for batch in (items[:2], items[2:4]):
            validate_batch(ctx, batch)
        with pytest.raises(RuntimeError):
            validate_batch(ctx, items[4:])
        assert count_held_rows(pipeline, upload_id) == 5
        make_old = "update upload_history set processing_completed_at = now() - interval '14 days' where upload_id = %s"
        pipeline.connection.execute(make_old, (upload_id,))
        purge_held_rows(pipeline.connection)
        for batch in (items[4:], items[4:], items[:2], items[2:4]):
            validate_batch(ctx, batch)
    assert sent == [[1], [], [2, 3, 4, 5, 6], [2, 3, 4, 5, 6], [5, 6], [1, 2], [3, 4]]
    assert count_held_rows(pipeline, upload_id) == 0


def test_held_rows_without_pending_notification_are_deleted(pipeline: Pipeline, ctx: AppContext) -> None:
    upload_id = end_all_or_nothing(pipeline, ctx, "purged").upload_id
    purge_held_rows(pipeline.connection)
    assert count_held_rows(pipeline, upload_id) == 1
    make_old = "update upload_history set processing_completed_at = now() - interval '16 days' where upload_id = %s"
    pipeline.connection.execute(make_old, (upload_id,))
    purge_held_rows(pipeline.connection)
    assert count_held_rows(pipeline, upload_id) == 0


def test_upload_repeated_file_is_rejected_unless_forced(pipeline: Pipeline) -> None:
    content = csv_of([product("again-same"), product("again-bad", price="0")])
    first = pipeline.run("VEND001", "same.csv", content)
    repeated = pipeline.run("VEND001", "renamed.csv", content)
    assert (repeated.status, repeated.failure_code) == (UploadStatus.FAILED, "ALREADY_UPLOADED")
    assert repeated.failure_reason is not None
    assert first.upload_id in repeated.failure_reason
    assert "same.csv" in repeated.failure_reason
    assert repeated.failure_reason in pipeline.email(repeated.upload_id).text
    forced = pipeline.run("VEND001", "same.csv", content, force="true")
    assert (forced.failure_code, forced.error_records) == (None, 2)
    other_mode = pipeline.run("VEND001", "same.csv", content, mode="upsert")
    assert (other_mode.failure_code, other_mode.unchanged_records, other_mode.error_records) == (None, 1, 1)
    assert pipeline.run("VEND002", "same.csv", content).failure_code is None


def test_upload_file_of_an_undone_upload_is_accepted(pipeline: Pipeline) -> None:
    content = csv_of([product("undone")])
    first = pipeline.run("VEND001", "undone.csv", content)
    database = open_database(pipeline.endpoints.database_url)
    undo_upload(database, first.upload_id, ACTOR)
    database.close()
    assert pipeline.run("VEND001", "undone.csv", content).status is UploadStatus.COMPLETED


def test_upload_invalid_options_reject_the_file(pipeline: Pipeline) -> None:
    upload = pipeline.run("VEND001", "options.csv", csv_of([product("options")]), mode="replace")
    assert (upload.status, upload.failure_code) == (UploadStatus.FAILED, "INVALID_OPTION")
    assert upload.failure_reason == "The upload's mode is 'replace'; it must be create or update or upsert"


def test_upload_removed_object_has_report_without_fix_file(pipeline: Pipeline, ctx: AppContext) -> None:
    upload = pipeline.run("VEND001", "removed.csv", csv_of([product("removed", price="0")]))
    assert upload.fix_file_s3_key is not None
    pipeline.s3.delete_object(Bucket=pipeline.endpoints.bucket, Key=upload.s3_key, VersionId=upload.s3_version_id)
    pipeline.connection.execute(
        "update upload_history set notified_at = null where upload_id = %s", (upload.upload_id,)
    )
    finalize_upload(ctx, upload.upload_id)
    repeated = pipeline.finished(upload.upload_id)
    assert (repeated.error_file_s3_key, repeated.fix_file_s3_key) == (upload.error_file_s3_key, None)


def end_all_or_nothing(pipeline: Pipeline, ctx: AppContext, name: str) -> Upload:
    """End the upload of an all-or-nothing file: one of three rows was validated before the file was deleted."""
    rows = [product(f"{name}-{n}") for n in range(3)]
    with pipeline.without_bucket_notifications():
        source = pipeline.put_key(f"uploads/VEND001/{name}.csv", csv_of(rows), on_error="reject_file")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(staging_table, "stage_rows", lambda *_: None)
        upload_id = ingest_object(ctx, source).upload_id
    assert upload_id is not None
    assert record_outcomes(ctx, [Row(upload_id, "VEND001", 2, {k: v for k, v in rows[1].items() if v})]).finished == []
    pipeline.s3.delete_object(Bucket=source.bucket, Key=source.key, VersionId=source.version_id)
    list(recovery.resume_stalled_uploads(ctx, patience=timedelta(0)))
    return pipeline.finished(upload_id)


def test_upload_all_or_nothing_ended_by_watchdog_rejects_all_rows(pipeline: Pipeline, ctx: AppContext) -> None:
    """Held rows are rejected together with the rows that were not validated."""
    upload = end_all_or_nothing(pipeline, ctx, "ended")
    assert (upload.status, upload.error_records) == (UploadStatus.FAILED, 3)
    assert [(row, kind) for row, kind, _ in pipeline.errors(upload.upload_id)] == [
        (1, "NOT_PROCESSED"),
        (2, "FILE_REJECTED"),
        (3, "NOT_PROCESSED"),
    ]
