"""Summary of the errors of an upload: equal from the database and from errors in memory."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboarding.domain.error_codes import RowErrorCode
from onboarding.domain.error_summary import ErrorGroup, summarize_errors
from onboarding.domain.models import RowError
from onboarding.storage.database import Connection, Database
from onboarding.storage.products import row_key
from onboarding.storage.validation_errors import get_error_summary, insert_errors, list_errors
from tests.support.postgres_fixtures import make_row, open_upload, product_row, record_rows

UPLOAD = "UPLOAD_1"


class RolledBack(Exception):
    """Ends a transaction without its writes."""


@pytest.mark.parametrize("top", [1, 3, 100])
def test_summary_of_upload_groups_equal_errors(database: Database, top: int) -> None:
    rows = [product_row(str(n), n, category="Elektronics" if n <= 5 else "Garden") for n in range(1, 8)]
    rows.append(product_row("8", 8, price="0", sku=None))
    rows += [product_row(str(n), n, stock_quantity="x") for n in (9, 10)]
    open_upload(database, UPLOAD, len(rows))
    result = record_rows(database, *rows)
    summary = database.run(lambda connection: get_error_summary(connection, UPLOAD, top))
    lines = [(number, error) for (_, number), errors in result.errors.items() for error in errors]
    assert summary.sentences == summarize_errors(lines, top).sentences
    sentences = [
        "5 rows: category 'Elektronics', did you mean 'Electronics'?",
        "2 rows: stock_quantity 'x', expected a whole number from 0 to 1000000",
        "Row 8: price '0', expected a number from 0.01 to 999999.99 with at most two decimals",
        "Row 8: Missing required fields: sku",
    ]
    if top == 100:
        assert sorted(summary.sentences) == sorted(sentences)
        assert summary.sentences[:2] == sentences[:2]
    else:
        assert summary.sentences[:-1] == summary.sentences[:top]
        assert summary.sentences[-1] == {1: "and 3 other mistakes", 3: "and 1 other mistake"}[top]
        assert summary.sentences[0] == sentences[0]


def test_summary_of_upload_without_errors_is_empty(database: Database) -> None:
    open_upload(database, UPLOAD, 1)
    assert database.run(lambda connection: get_error_summary(connection, UPLOAD)).sentences == []


TEXTS = st.sampled_from(["", "a", "b", "B", "ä", "12,5", "x" * 50])
TYPES = st.sampled_from(
    [
        RowErrorCode.CANCELLED,
        RowErrorCode.DUPLICATE_SKU,
        RowErrorCode.FIELD_COUNT_MISMATCH,
        RowErrorCode.FILE_REJECTED,
        RowErrorCode.INVALID_PRICE,
        RowErrorCode.UNKNOWN_PRODUCT,
    ]
)
ERRORS = st.builds(
    RowError,
    TYPES,
    st.sampled_from(["sku", "price, sku"]),
    st.sampled_from(["M", "m", "N"]),
    value=TEXTS,
    expected=st.sampled_from(["", "E"]),
    hint=st.sampled_from(["", "H", "h"]),
)
ROWS = st.lists(
    st.lists(ERRORS, min_size=1, max_size=4, unique_by=lambda error: (error.error_type, error.field)), max_size=20
)


def test_groups_in_the_database_equal_those_in_memory_and_list_all_errors(database: Database) -> None:
    """Batches of rows are recorded in any order."""
    open_upload(database, UPLOAD, 20)

    @settings(deadline=None, max_examples=100)
    @given(ROWS, st.integers(1, 8), st.randoms(use_true_random=False))
    def check(errors_of_rows: list[list[RowError]], top: int, random: Random) -> None:
        batches = list(enumerate(errors_of_rows, 1))
        random.shuffle(batches)

        def work(connection: Connection) -> None:
            for number, errors in batches:
                row = make_row(number)
                insert_errors(connection, [row], {row_key(row): errors})
            pairs = [(number, error) for number, errors in batches for error in errors]
            summary = get_error_summary(connection, UPLOAD, top)
            expected = summarize_errors(pairs, top)
            assert [without_ids(group) for group in summary.groups] == [without_ids(group) for group in expected.groups]
            assert summary.more == expected.more
            assert summary.sentences == expected.sentences
            listed: list[int] = []
            for group in get_error_summary(connection, UPLOAD, len(pairs)).groups:
                members = list_errors(connection, UPLOAD, {"group": group.first_error})
                assert (members[0]["error_id"], members[0]["row_number"]) == (group.first_error, group.first_row)
                assert len(members) == group.rows
                assert list_errors(connection, UPLOAD, {"group": members[-1]["error_id"]}) == members
                assert {(member["error_type"], member["column"]) for member in members} == {
                    (group.error_type, group.field)
                }
                assert len({member["value"] for member in members} - {None}) == group.distinct_values
                listed += [member["error_id"] for member in members]
            assert sorted(listed) == sorted(error["error_id"] for error in list_errors(connection, UPLOAD, {}))
            raise RolledBack

        with pytest.raises(RolledBack):
            database.run(work)

    check()


def without_ids(group: ErrorGroup) -> ErrorGroup:
    return replace(group, first_error=None, first_line=None)


def test_list_errors_with_an_error_of_another_upload_is_empty(database: Database) -> None:
    for upload_id in (UPLOAD, "UPLOAD_2"):
        open_upload(database, upload_id, 1)
        record_rows(database, make_row(1, upload_id=upload_id, price="0"))
    [group] = database.run(lambda connection: get_error_summary(connection, "UPLOAD_2")).groups
    assert database.run(lambda connection: list_errors(connection, UPLOAD, {"group": group.first_error})) == []
