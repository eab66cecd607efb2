"""Batch boundaries: a file has the same result however it is split into batches, in every mode."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboarding.domain.models import Mode, OnError, Outcome, Row
from onboarding.domain.upload_options import Options
from onboarding.files.parser import ParsedFile, parse
from onboarding.pipeline.dry_run import dry_run
from onboarding.storage import validation_errors
from onboarding.storage.database import Database
from tests.support.postgres_fixtures import (
    clean_database,
    fetch,
    get_upload,
    make_row,
    open_upload,
    product_row,
    record_rows,
)

UPLOAD = "UPLOAD_9"
COLUMNS = ("vendor_product_id", "sku", "product_name", "category", "price", "stock_quantity", "brand")

IDS = st.sampled_from(["P-old1", "P-old2", "P-new1", "P-new1", "P-new2"])
INVALID_CELLS = {
    "vendor_product_id": ["", "(clear)", "1.23E+05"],
    "sku": ["S-old1", "S-old2", "S-theirs", "S-1", "S-2", "", "(clear)"],
    "product_name": ["", "(clear)"],
    "category": ["", "(clear)", "Electronic"],
    "price": ["", "0"],
    "stock_quantity": ["", "(clear)"],
    "brand": ["", "(clear)", "Tech,surplus,fields"],
}
MUTATIONS = st.sampled_from([(column, text) for column, texts in INVALID_CELLS.items() for text in texts])
LINES = st.tuples(IDS, st.lists(MUTATIONS, max_size=2))
"""Valid rows with up to two changed cells, and few ids, so that rows conflict."""


def create_catalog(database: Database) -> None:
    """Create two products of the vendor and one of another vendor."""
    open_upload(database, "UPLOAD_1", 2)
    record_rows(database, *(product_row(f"old{n}", n, category="Electronics", brand="Tech") for n in (1, 2)))
    open_upload(database, "UPLOAD_2", 1, vendor_id="VEND002")
    record_rows(database, make_row(upload_id="UPLOAD_2", vendor_id="VEND002", sku="S-theirs"))


def make_content(lines: Sequence[tuple[str, Sequence[tuple[str, str]]]]) -> bytes:
    valid = {
        "product_name": "Mouse",
        "category": "Electronics",
        "price": "9.99",
        "stock_quantity": "1",
        "brand": "Tech",
    }
    rows = [
        {"vendor_product_id": name, "sku": f"S-{number}", **valid, **dict(mutations)}
        for number, (name, mutations) in enumerate(lines, 1)
    ]
    return "\n".join([",".join(COLUMNS), *(",".join(map(row.__getitem__, COLUMNS)) for row in rows), ""]).encode()


def run_dry_run(database: Database, content: bytes, options: Options) -> tuple[object, ...]:
    result = dry_run(database.run, content, "VEND001", options)
    assert result.rejection is None
    errors = [(number, *astuple(error)) for number, row_errors in sorted(result.errors.items()) for error in row_errors]
    return errors, [result.count(outcome) for outcome in Outcome]


def run_upload(database: Database, batches: list[list[Row]]) -> tuple[object, ...]:
    for batch in batches:
        record_rows(database, *batch)
    reported = database.run(lambda connection: list(validation_errors.stream_report_rows(connection, UPLOAD)))
    upload = get_upload(database, UPLOAD)
    counts = [upload.created_records, upload.updated_records, upload.unchanged_records]
    return [(row.row_number, *astuple(row.error)) for row in reported], counts


def read_catalog(database: Database) -> list[tuple[object, ...]]:
    return fetch(
        database,
        "select vendor_id, vendor_product_id, sku, product_name, category, price, stock_quantity, brand, upload_id "
        "from products order by 1, 2",
    )


def test_record_outcomes_upsert_row_of_product_created_by_same_upload_has_the_same_errors(database: Database) -> None:
    """Row 2 has the id of row 1 and no other value: it has two errors, also if row 1 was in an earlier batch."""
    open_upload(database, UPLOAD, 2, mode=Mode.UPSERT)
    record_rows(database, product_row("new", 1, upload_id=UPLOAD))
    second = Row(UPLOAD, "VEND001", 2, {"vendor_product_id": "P-new"}, {"vendor_product_id": 1})
    [errors] = record_rows(database, second).errors.values()
    assert [error.error_type for error in errors] == ["MISSING_REQUIRED_FIELDS", "DUPLICATE_VENDOR_PRODUCT_ID"]


@pytest.mark.parametrize("on_error", OnError)
@pytest.mark.parametrize("mode", Mode)
def test_record_outcomes_same_file_in_any_batches_equals_dry_run(
    database_url: str, mode: Mode, on_error: OnError
) -> None:
    @settings(deadline=None, max_examples=60)
    @given(st.lists(LINES, min_size=1, max_size=8), st.data())
    def check(lines: list[tuple[str, list[tuple[str, str]]]], data: st.DataObject) -> None:
        content = make_content(lines)
        required = COLUMNS[:6] if mode is Mode.CREATE else COLUMNS[:1]
        parsed = parse(content, UPLOAD, "VEND001", required=required)
        assert isinstance(parsed, ParsedFile)
        catalogs = []
        one_by_one = [[row] for row in parsed.rows]
        order = data.draw(st.permutations(parsed.rows))
        cuts = sorted(data.draw(st.sets(st.integers(1, len(order)))) | {0, len(order)})
        random_batches = [order[start:end] for start, end in pairwise(cuts)]
        for batches in ([parsed.rows], one_by_one, one_by_one[::-1], random_batches):
            with clean_database(database_url) as database:
                create_catalog(database)
                expected = run_dry_run(database, content, Options(mode, on_error))
                open_upload(database, UPLOAD, len(parsed.rows), mode=mode, on_error=on_error)
                assert run_upload(database, batches) == expected
                catalogs.append(read_catalog(database))
        assert all(catalog == catalogs[0] for catalog in catalogs)

    check()


def test_record_outcomes_update_with_blank_id_and_sku_of_another_vendor_has_both_errors(database: Database) -> None:
    create_catalog(database)
    open_upload(database, UPLOAD, 1, mode=Mode.UPDATE)
    [errors] = record_rows(database, Row(UPLOAD, "VEND001", 1, {"sku": "S-theirs", "price": "1"})).errors.values()
    assert [error.error_type for error in errors] == ["MISSING_REQUIRED_FIELDS", "DUPLICATE_SKU"]
