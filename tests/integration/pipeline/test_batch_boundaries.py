"""Batch boundaries: a file has the same result in any batches, in every mode."""

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
BAD_CELLS = {
    "vendor_product_id": ["", "(clear)", "1.23E+05"],
    "sku": ["S-old1", "S-old2", "S-theirs", "S-1", "S-2", "", "(clear)"],
    "product_name": ["", "(clear)"],
    "category": ["", "(clear)", "Electronic"],
    "price": ["", "0"],
    "stock_quantity": ["", "(clear)"],
    "brand": ["", "(clear)", "Tech,surplus,fields"],
}
MUTATIONS = st.sampled_from([(column, text) for column, texts in BAD_CELLS.items() for text in texts])
LINES = st.tuples(IDS, st.lists(MUTATIONS, max_size=2))
"""Rows that get in but for one or two cells, with few ids, so that they meet."""


def before_the_upload(database: Database) -> None:
    """Two products of the vendor, and one of another."""
    open_upload(database, "UPLOAD_1", 2)
    record_rows(database, *(product_row(f"old{n}", n, category="Electronics", brand="Tech") for n in (1, 2)))
    open_upload(database, "UPLOAD_2", 1, vendor_id="VEND002")
    record_rows(database, make_row(upload_id="UPLOAD_2", vendor_id="VEND002", sku="S-theirs"))


def content_of(lines: Sequence[tuple[str, Sequence[tuple[str, str]]]]) -> bytes:
    good = {"product_name": "Mouse", "category": "Electronics", "price": "9.99", "stock_quantity": "1", "brand": "Tech"}
    rows = [
        {"vendor_product_id": name, "sku": f"S-{number}", **good, **dict(mutations)}
        for number, (name, mutations) in enumerate(lines, 1)
    ]
    return "\n".join([",".join(COLUMNS), *(",".join(map(row.__getitem__, COLUMNS)) for row in rows), ""]).encode()


def answer_of_the_dry_run(database: Database, content: bytes, options: Options) -> tuple[object, ...]:
    answer = dry_run(database.run, content, "VEND001", options)
    assert answer.refusal is None
    errors = [(number, *astuple(error)) for number, some in sorted(answer.errors.items()) for error in some]
    return errors, [answer.count(outcome) for outcome in Outcome]


def answer_of_the_upload(database: Database, batches: list[list[Row]]) -> tuple[object, ...]:
    for batch in batches:
        record_rows(database, *batch)
    reported = database.run(lambda connection: list(validation_errors.stream_report_rows(connection, UPLOAD)))
    upload = get_upload(database, UPLOAD)
    counts = [upload.created_records, upload.updated_records, upload.unchanged_records]
    return [(row.row_number, *astuple(row.error)) for row in reported], counts


def catalog_of(database: Database) -> list[tuple[object, ...]]:
    return fetch(
        database,
        "select vendor_id, vendor_product_id, sku, product_name, category, price, stock_quantity, brand, upload_id "
        "from products order by 1, 2",
    )


def test_decide_upsert_row_of_product_created_by_same_upload_gets_the_same_errors(database: Database) -> None:
    """Row 2 repeats the ID of row 1 and has nothing else: two errors, also where row 1 came in an earlier batch."""
    open_upload(database, UPLOAD, 2, mode=Mode.UPSERT)
    record_rows(database, product_row("new", 1, upload_id=UPLOAD))
    second = Row(UPLOAD, "VEND001", 2, {"vendor_product_id": "P-new"}, {"vendor_product_id": 1})
    [errors] = record_rows(database, second).errors.values()
    assert [error.error_type for error in errors] == ["MISSING_REQUIRED_FIELDS", "DUPLICATE_VENDOR_PRODUCT_ID"]


@pytest.mark.parametrize("on_error", OnError)
@pytest.mark.parametrize("mode", Mode)
def test_decide_same_file_in_any_batches_gives_the_answer_of_the_dry_run(
    database_url: str, mode: Mode, on_error: OnError
) -> None:
    @settings(deadline=None, max_examples=60)
    @given(st.lists(LINES, min_size=1, max_size=8), st.data())
    def holds(lines: list[tuple[str, list[tuple[str, str]]]], data: st.DataObject) -> None:
        content = content_of(lines)
        required = COLUMNS[:6] if mode is Mode.CREATE else COLUMNS[:1]
        parsed = parse(content, UPLOAD, "VEND001", required=required)
        assert isinstance(parsed, ParsedFile)
        catalogs = []
        one_by_one = [[row] for row in parsed.rows]
        order = data.draw(st.permutations(parsed.rows))
        cuts = sorted(data.draw(st.sets(st.integers(1, len(order)))) | {0, len(order)})
        at_random = [order[start:end] for start, end in pairwise(cuts)]
        for batches in ([parsed.rows], one_by_one, one_by_one[::-1], at_random):
            with clean_database(database_url) as database:
                before_the_upload(database)
                expected = answer_of_the_dry_run(database, content, Options(mode, on_error))
                open_upload(database, UPLOAD, len(parsed.rows), mode=mode, on_error=on_error)
                assert answer_of_the_upload(database, batches) == expected
                catalogs.append(catalog_of(database))
        assert all(catalog == catalogs[0] for catalog in catalogs)

    holds()


def test_decide_update_with_blank_id_and_sku_of_another_vendor_gives_both_errors(database: Database) -> None:
    before_the_upload(database)
    open_upload(database, UPLOAD, 1, mode=Mode.UPDATE)
    [errors] = record_rows(database, Row(UPLOAD, "VEND001", 1, {"sku": "S-theirs", "price": "1"})).errors.values()
    assert [error.error_type for error in errors] == ["MISSING_REQUIRED_FIELDS", "DUPLICATE_SKU"]
