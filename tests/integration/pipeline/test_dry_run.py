"""Dry run: the result of each row equals that of an upload, and nothing is written."""

from __future__ import annotations

import itertools
import json
from dataclasses import astuple
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboarding.aws import staging_table
from onboarding.aws.objects import ObjectContent
from onboarding.domain.mapping_json import parse_document
from onboarding.domain.models import Mode, OnError, Outcome, Row, RowError, UploadStatus
from onboarding.domain.product_schema import DEFAULT_CATEGORIES
from onboarding.domain.upload_options import Options
from onboarding.pipeline.dry_run import dry_run
from onboarding.pipeline.upload_parsing import parse_upload
from onboarding.storage import products, uploads, validation_errors
from onboarding.storage.database import Connection, Database
from tests.support.paths import OUTCOMES
from tests.support.postgres_fixtures import (
    UPLOADED_AT,
    clean_database,
    counts_of,
    fetch,
    make_row,
    open_upload,
    product_row,
    record_rows,
)
from tests.support.running_pipeline import csv_of, product

CATALOG, OTHER_UPLOAD, UPLOAD = "UPLOAD_1", "UPLOAD_2", "UPLOAD_3"


def create_products(database: Database) -> None:
    """Create the products 1 to 3 of VEND001, and of VEND002 a product 4 and a product with the id of product 1."""
    open_upload(database, CATALOG, 3)
    record_rows(database, *(product_row(str(n), n, upload_id=CATALOG) for n in (1, 2, 3)))
    open_upload(database, OTHER_UPLOAD, 2, vendor_id="VEND002")
    other_vendor: dict[str, Any] = {"upload_id": OTHER_UPLOAD, "vendor_id": "VEND002"}
    rows = [product_row("4", 1, **other_vendor), product_row("1", 2, **other_vendor, sku="S-theirs")]
    record_rows(database, *rows)


CELLS = st.fixed_dictionaries(
    {
        "vendor_product_id": st.sampled_from(["P-1", "P-2", "P-3", "P-4", "P-5", "P-6", ""]),
        "sku": st.sampled_from(["S-1", "S-2", "S-3", "S-4", "S-5", "S-6", "S-theirs", "(clear)", ""]),
        "price": st.sampled_from(["19.99", "19.99", "5", "0", "1,5", "(clear)", ""]),
        "category": st.sampled_from(["Computer Accessories", "Computer Accessories", "Garden", "Gardn", ""]),
        "brand": st.sampled_from(["TechGear", "Other", "(clear)", "x" * 101, ""]),
        "stock_quantity": st.sampled_from(["150", "1", "-1", ""]),
    }
)
OPTIONS = st.builds(Options, st.sampled_from(Mode), st.sampled_from(OnError))


def run_upload(
    database: Database, content: bytes, options: Options, cuts: list[int]
) -> tuple[dict[int, list[tuple[Any, ...]]], dict[int, str], str]:
    """Return the errors of each invalid row, the outcome of each valid row, and the status of the upload."""
    parsed = parse_upload(
        ObjectContent(content, len(content), UPLOADED_AT, options.metadata()), UPLOAD, "VEND001", "active"
    )
    assert parsed.rejection is None
    # Convert the rows as the staging table does.
    rows = [staging_table.from_item(staging_table.to_item(row)) for row in parsed.rows]
    open_upload(database, UPLOAD, len(rows), mode=options.mode, on_error=options.on_error)
    limits = sorted({0, len(rows), *(cut % (len(rows) + 1) for cut in cuts)})
    batches = [rows[first:last] for first, last in itertools.pairwise(limits)]
    for batch in reversed(batches):
        record_rows(database, *batch)
    errors: dict[int, list[tuple[Any, ...]]] = {}
    for line in database.run(lambda connection: list(validation_errors.stream_report_rows(connection, UPLOAD))):
        errors.setdefault(line.row_number, []).append(astuple(line.error))
    outcomes = fetch(
        database,
        "select row_number, 'created' from products where upload_id = %s "
        "union all select row_number, change_type from product_changes where upload_id = %s",
        UPLOAD,
        UPLOAD,
    )
    [(status,)] = fetch(database, "select status from upload_history where upload_id = %s", UPLOAD)
    return errors, dict(outcomes), status


def test_dry_run_any_rows_equals_upload(database_url: str) -> None:
    @settings(deadline=None, max_examples=80)
    @given(st.lists(CELLS, min_size=1, max_size=8), OPTIONS, st.lists(st.integers(0, 8), max_size=3))
    def check(rows: list[dict[str, str]], options: Options, cuts: list[int]) -> None:
        content = csv_of([product(str(n)) | row for n, row in enumerate(rows)])
        with clean_database(database_url) as database:
            create_products(database)
            dry = dry_run(database.run, content, "VEND001", options)
            assert fetch(database, "select count(*) from upload_history") == [(2,)]
            errors, outcomes, status = run_upload(database, content, options, cuts)
            assert {n: [astuple(error) for error in row_errors] for n, row_errors in dry.errors.items()} == errors
            assert dry.outcomes == outcomes
            assert dry.status == status

    check()


@pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda path: path.stem)
def test_dry_run_corpus_file_equals_upload(database: Database, outcome: Path) -> None:
    content = outcome.with_suffix("").read_bytes()
    dry = dry_run(database.run, content, "VEND001")
    expected = json.loads(outcome.read_text(encoding="utf-8"))
    assert (dry.rejection and dry.rejection.code) == expected.get("rejection")
    if dry.rejection is None:
        errors, outcomes, status = run_upload(database, content, Options(), [50])
        assert {n: [as_stored(error) for error in row_errors] for n, row_errors in dry.errors.items()} == errors
        assert (dry.outcomes, dry.status) == (outcomes, status)


def as_stored(error: RowError) -> tuple[str, ...]:
    """Return the values of an error as the database stores them."""
    return tuple(products.to_storable_text(part) for part in astuple(error))


def test_dry_run_of_new_file_records_no_upload(database: Database) -> None:
    content = csv_of([product("1")])
    assert dry_run(database.run, content, "VEND001").outcomes == {1: Outcome.CREATED}
    assert dry_run(database.run, content, "VEND001").rejection is None


def test_dry_run_that_writes_raises_read_only_error(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    import psycopg

    original = products.load_validation_context

    def write(connection: Connection, rows: list[Row], mode: Mode) -> object:
        connection.execute("update vendors set phone = '1'")
        return original(connection, rows, mode)

    monkeypatch.setattr(products, "load_validation_context", write)
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        dry_run(database.run, csv_of([product("1")]), "VEND001")


def open_earlier_upload(database: Database, content: bytes, file_name: str = "first.csv") -> None:
    """Open an upload of this content with one row."""
    source = ObjectContent(content, len(content), datetime.now(UTC))
    new = uploads.NewUpload(
        upload_id=UPLOAD,
        vendor_id="VEND001",
        file_name=file_name,
        s3_key="uploads/VEND001/first.csv",
        s3_version_id="v1",
        file_size_bytes=source.size,
        upload_timestamp=source.last_modified,
        total_records=1,
        rejection=None,
        content_sha256=source.sha256,
    )
    database.run(lambda connection: uploads.open_upload(connection, new))


def test_dry_run_repeated_file_shows_earlier_name_on_one_line(database: Database) -> None:
    content = csv_of([product("1")])
    open_earlier_upload(database, content, "a.csv\r\nBcc: everybody")
    rejection = dry_run(database.run, content, "VEND001").rejection
    assert rejection is not None
    assert "as a.csv Bcc: everybody on" in rejection.reason


def test_dry_run_repeated_file_without_accepted_rows_is_accepted(database: Database) -> None:
    rows = [product("1", category="Garden Tools")]
    content = csv_of(rows)
    open_earlier_upload(database, content)
    # While the upload is processing, the same file is rejected.
    assert getattr(dry_run(database.run, content, "VEND001").rejection, "code", None) == "ALREADY_UPLOADED"
    record_rows(database, make_row(1, upload_id=UPLOAD, category="Garden Tools"))
    assert counts_of(database, UPLOAD) == (1, 0, 1, "failed")
    fetch(database, "insert into product_categories (category_name) values ('Garden Tools') returning 1")
    try:
        assert dry_run(database.run, content, "VEND001").outcomes == {1: Outcome.CREATED}
    finally:
        fetch(database, "delete from product_categories where category_name = 'Garden Tools' returning 1")


def test_dry_run_repeated_file_is_rejected_as_upload(database: Database) -> None:
    content = csv_of([product("1")])
    open_earlier_upload(database, content)
    rejection = dry_run(database.run, content, "VEND001").rejection
    assert rejection is not None
    assert rejection.code == "ALREADY_UPLOADED"
    assert UPLOAD in rejection.reason
    assert "first.csv" in rejection.reason
    assert dry_run(database.run, content, "VEND001", Options(force=True)).rejection is None
    assert dry_run(database.run, content, "VEND001", Options(Mode.UPSERT)).rejection is None
    assert dry_run(database.run, content, "VEND002").rejection is None


def test_dry_run_of_file_uploaded_without_the_document_is_no_repetition(database: Database) -> None:
    content = csv_of([product("1")])
    open_earlier_upload(database, content)
    document = parse_document({"columns": {"description": {"columns": ["brand"]}, "brand": {"columns": []}}})
    assert dry_run(database.run, content, "VEND001", document=document).outcomes == {1: Outcome.CREATED}


@pytest.mark.parametrize(
    ("vendor", "status", "code"), [("VEND009", None, "UNKNOWN_VENDOR"), ("VEND001", "suspended", "VENDOR_SUSPENDED")]
)
def test_dry_run_unknown_or_suspended_vendor_is_rejected(
    database: Database, vendor: str, status: str | None, code: str
) -> None:
    if status:
        fetch(database, "update vendors set status = %s where vendor_id = %s returning 1", status, vendor)
    result = dry_run(database.run, csv_of([product("1")]), vendor)
    assert result.rejection is not None
    assert (result.rejection.code, result.status) == (code, UploadStatus.FAILED)


def test_default_categories_equal_those_of_a_new_database(database: Database) -> None:
    names = fetch(database, "select category_name from product_categories order by category_id")
    assert tuple(name for (name,) in names) == DEFAULT_CATEGORIES
