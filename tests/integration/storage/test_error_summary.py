"""Summary of the errors of an upload: equal from the database and from errors in memory."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from psycopg.rows import dict_row

from onboarding.domain.error_summary import summarize_errors
from onboarding.storage.database import Connection, Database
from onboarding.storage.queries import query
from onboarding.storage.validation_errors import get_error_summary
from tests.support.postgres_fixtures import open_upload, product_row, record_rows

UPLOAD = "UPLOAD_1"


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


def test_summary_of_errors_without_value_groups_by_message(database: Database) -> None:
    rows = [product_row(str(n), n, surplus_fields=fields) for n, fields in enumerate((1, -5, 1, 3), 1)]
    open_upload(database, UPLOAD, len(rows))
    result = record_rows(database, *rows)
    summary = database.run(lambda connection: get_error_summary(connection, UPLOAD))
    lines = [(number, error) for (_, number), errors in result.errors.items() for error in errors]
    assert summary.sentences == summarize_errors(lines).sentences
    assert [sentence[:27] for sentence in summary.sentences] == [
        "2 rows: The row has 1 field",
        "Row 2: The row has 5 fields",
        "Row 4: The row has 3 fields",
    ]


def test_summary_of_upload_without_errors_is_empty(database: Database) -> None:
    open_upload(database, UPLOAD, 1)
    assert database.run(lambda connection: get_error_summary(connection, UPLOAD)).sentences == []


def test_list_validation_errors_like_a_groups_error_returns_the_group(database: Database) -> None:
    """Filtering errors by an error of a group returns the errors of this group, also without a value."""
    rows = [
        product_row("1", 1, price=None, stock_quantity=None),
        product_row("2", 2, price=None, stock_quantity=None),
        product_row("3", 3, price=None),
        product_row("4", 4, surplus_fields=1),
        product_row("5", 5, surplus_fields=2),
        product_row("6", 6, description="a\x01b"),
        product_row("7", 7, category="Elektronics"),
        product_row("8", 8, category="Elektronics", brand="Elektronics" * 10),
    ]
    open_upload(database, UPLOAD, len(rows))
    record_rows(database, *rows)
    groups = database.run(lambda connection: get_error_summary(connection, UPLOAD)).groups
    params = dict.fromkeys(("error_type", "column", "value")) | {"upload_id": UPLOAD, "limit": 99}
    params |= {"after_row": 0, "after_id": 0}

    def list_errors_like(connection: Connection, error_id: int | None) -> list[dict[str, Any]]:
        cursor = connection.cursor(row_factory=dict_row)
        return cursor.execute(query("list_validation_errors"), {**params, "group": error_id}).fetchall()

    for group in groups:
        errors = database.run(partial(list_errors_like, error_id=group.first_error))
        assert {(error["error_type"], error["column"], error["value"] or "") for error in errors} == {
            (group.error_type, group.field, group.value)
        }
        assert len(errors) == group.rows
        if not group.value:
            assert {error["message"] for error in errors} == {group.message}
    assert len(groups) == 7
