"""Dry run: the same result as the upload, row for row, without a write."""

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
from onboarding.domain.models import Mode, OnError, Outcome, Row, RowError, UploadStatus
from onboarding.domain.product_schema import DEFAULT_CATEGORIES
from onboarding.domain.upload_options import Options
from onboarding.pipeline.dry_run import dry_run
from onboarding.pipeline.ingest import parse_upload
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

CATALOG, THEIRS, UPLOAD = "UPLOAD_1", "UPLOAD_2", "UPLOAD_3"


def filled(database: Database) -> None:
    """VEND001 has the products 1 to 3, VEND002 has 4 and, under the same id, another 1."""
    open_upload(database, CATALOG, 3)
    record_rows(database, *(product_row(str(n), n, upload_id=CATALOG) for n in (1, 2, 3)))
    open_upload(database, THEIRS, 2, vendor_id="VEND002")
    theirs: dict[str, Any] = {"upload_id": THEIRS, "vendor_id": "VEND002"}
    rows = [product_row("4", 1, **theirs), product_row("1", 2, **theirs, sku="S-theirs")]
    record_rows(database, *rows)


cells = st.fixed_dictionaries(
    {
        "vendor_product_id": st.sampled_from(["P-1", "P-2", "P-3", "P-4", "P-5", "P-6", ""]),
        "sku": st.sampled_from(["S-1", "S-2", "S-3", "S-4", "S-5", "S-6", "S-theirs", "(clear)", ""]),
        "price": st.sampled_from(["19.99", "19.99", "5", "0", "1,5", "(clear)", ""]),
        "category": st.sampled_from(["Computer Accessories", "Computer Accessories", "Garden", "Gardn", ""]),
        "brand": st.sampled_from(["TechGear", "Other", "(clear)", "x" * 101, ""]),
        "stock_quantity": st.sampled_from(["150", "1", "-1", ""]),
    }
)
options = st.builds(Options, st.sampled_from(Mode), st.sampled_from(OnError))


def real_run(
    database: Database, content: bytes, wishes: Options, cuts: list[int]
) -> tuple[dict[int, list[tuple[Any, ...]]], dict[int, str], str]:
    """Each row's errors, what each valid row did, and the final status."""
    examined = parse_upload(
        ObjectContent(content, len(content), UPLOADED_AT, wishes.metadata()), UPLOAD, "VEND001", "active"
    )
    assert examined.refusal is None
    # As they come out of the staging table.
    rows = [staging_table.from_item(staging_table.to_item(row)) for row in examined.rows]
    open_upload(database, UPLOAD, len(rows), mode=wishes.mode, on_error=wishes.on_error)
    places = sorted({0, len(rows), *(cut % (len(rows) + 1) for cut in cuts)})
    batches = [rows[first:last] for first, last in itertools.pairwise(places)]
    for batch in reversed(batches):
        record_rows(database, *batch)
    errors: dict[int, list[tuple[Any, ...]]] = {}
    for line in database.run(lambda connection: list(validation_errors.stream_report_rows(connection, UPLOAD))):
        errors.setdefault(line.row_number, []).append(astuple(line.error))
    done = fetch(
        database,
        "select row_number, 'created' from products where upload_id = %s "
        "union all select row_number, change_type from product_changes where upload_id = %s",
        UPLOAD,
        UPLOAD,
    )
    [(status,)] = fetch(database, "select status from upload_history where upload_id = %s", UPLOAD)
    return errors, dict(done), status


def test_dry_run_any_rows_equals_real_run(database_url: str) -> None:
    @settings(deadline=None, max_examples=80)
    @given(st.lists(cells, min_size=1, max_size=8), options, st.lists(st.integers(0, 8), max_size=3))
    def agree(rows: list[dict[str, str]], wishes: Options, cuts: list[int]) -> None:
        content = csv_of([product(str(n)) | row for n, row in enumerate(rows)])
        with clean_database(database_url) as database:
            filled(database)
            dry = dry_run(database.run, content, "VEND001", wishes)
            assert fetch(database, "select count(*) from upload_history") == [(2,)]
            errors, done, status = real_run(database, content, wishes, cuts)
            assert {n: [astuple(error) for error in found] for n, found in dry.errors.items()} == errors
            assert dry.outcomes == done
            assert dry.status == status

    agree()


@pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda path: path.stem)
def test_dry_run_corpus_file_equals_real_run(database: Database, outcome: Path) -> None:
    content = outcome.with_suffix("").read_bytes()
    dry = dry_run(database.run, content, "VEND001")
    expected = json.loads(outcome.read_text(encoding="utf-8"))
    assert (dry.refusal and dry.refusal.code) == expected.get("refusal")
    if dry.refusal is None:
        errors, done, status = real_run(database, content, Options(), [50])
        assert {n: [stored(error) for error in found] for n, found in dry.errors.items()} == errors
        assert (dry.outcomes, dry.status) == (done, status)


def stored(error: RowError) -> tuple[str, ...]:
    """An error as the database gives it back."""
    return tuple(products.to_storable_text(part) for part in astuple(error))


def test_dry_run_file_is_not_recorded_as_upload(database: Database) -> None:
    content = csv_of([product("1")])
    assert dry_run(database.run, content, "VEND001").outcomes == {1: Outcome.CREATED}
    assert dry_run(database.run, content, "VEND001").refusal is None


def test_dry_run_write_raises_read_only_error(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    import psycopg

    real = products.load_validation_context

    def writing(connection: Connection, rows: list[Row], mode: Mode) -> object:
        connection.execute("update vendors set phone = '1'")
        return real(connection, rows, mode)

    monkeypatch.setattr(products, "load_validation_context", writing)
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        dry_run(database.run, csv_of([product("1")]), "VEND001")


def uploaded(database: Database, content: bytes, file_name: str = "first.csv") -> None:
    """An upload of this content is open, with one row."""
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
    uploaded(database, content, "a.csv\r\nBcc: everybody")
    refusal = dry_run(database.run, content, "VEND001").refusal
    assert refusal is not None
    assert "as a.csv Bcc: everybody on" in refusal.reason


def test_dry_run_repeated_file_without_accepted_rows_is_accepted(database: Database) -> None:
    rows = [product("1", category="Garden Tools")]
    content = csv_of(rows)
    uploaded(database, content)
    # While it is processed, the same file is a repetition.
    assert getattr(dry_run(database.run, content, "VEND001").refusal, "code", None) == "ALREADY_UPLOADED"
    record_rows(database, make_row(1, upload_id=UPLOAD, category="Garden Tools"))
    assert counts_of(database, UPLOAD) == (1, 0, 1, "failed")
    fetch(database, "insert into product_categories (category_name) values ('Garden Tools') returning 1")
    try:
        assert dry_run(database.run, content, "VEND001").outcomes == {1: Outcome.CREATED}
    finally:
        fetch(database, "delete from product_categories where category_name = 'Garden Tools' returning 1")


def test_dry_run_repeated_file_is_rejected_as_upload(database: Database) -> None:
    content = csv_of([product("1")])
    uploaded(database, content)
    refusal = dry_run(database.run, content, "VEND001").refusal
    assert refusal is not None
    assert refusal.code == "ALREADY_UPLOADED"
    assert UPLOAD in refusal.reason
    assert "first.csv" in refusal.reason
    assert dry_run(database.run, content, "VEND001", Options(force=True)).refusal is None
    assert dry_run(database.run, content, "VEND001", Options(Mode.UPSERT)).refusal is None
    assert dry_run(database.run, content, "VEND002").refusal is None


@pytest.mark.parametrize(
    ("vendor", "status", "code"), [("VEND009", None, "UNKNOWN_VENDOR"), ("VEND001", "suspended", "VENDOR_SUSPENDED")]
)
def test_dry_run_unknown_or_suspended_vendor_is_rejected(
    database: Database, vendor: str, status: str | None, code: str
) -> None:
    if status:
        fetch(database, "update vendors set status = %s where vendor_id = %s returning 1", status, vendor)
    answer = dry_run(database.run, csv_of([product("1")]), vendor)
    assert answer.refusal is not None
    assert (answer.refusal.code, answer.status) == (code, UploadStatus.FAILED)


def test_default_categories_equal_those_of_a_new_database(database: Database) -> None:
    names = fetch(database, "select category_name from product_categories order by category_id")
    assert tuple(name for (name,) in names) == DEFAULT_CATEGORIES
