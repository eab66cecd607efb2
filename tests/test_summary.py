"""Equal mistakes in one sentence, the most frequent first; the same from the database and from a dry run."""

from __future__ import annotations

import pytest

from onboarding.database import Database
from onboarding.summary import ErrorGroup, summarised, summary_of
from tests.database import judged, open_upload, product_row

UPLOAD = "UPLOAD_1"


@pytest.mark.parametrize("top", [1, 3, 100])
def test_groups_of_an_upload(database: Database, top: int) -> None:
    rows = [product_row(str(n), n, category="Elektronics" if n <= 5 else "Garden") for n in range(1, 8)]
    rows.append(product_row("8", 8, price="0", sku=None))
    rows += [product_row(str(n), n, stock_quantity="x") for n in (9, 10)]
    open_upload(database, UPLOAD, len(rows))
    judgement = judged(database, *rows)
    found = database.run(lambda connection: summary_of(connection, UPLOAD, top))
    lines = [(number, error) for (_, number), errors in judgement.errors.items() for error in errors]
    assert found.sentences == summarised(lines, top).sentences
    everything = [
        "5 rows: category 'Elektronics', did you mean 'Electronics'?",
        "2 rows: stock_quantity 'x', expected a whole number from 0 to 1000000",
        "Row 8: price '0', expected a number from 0.01 to 999999.99 with at most two decimals",
        "Row 8: Missing required fields: sku",
    ]
    if top == 100:
        assert sorted(found.sentences) == sorted(everything)
        assert found.sentences[:2] == everything[:2]
    else:
        assert found.sentences[:-1] == found.sentences[:top]
        assert found.sentences[-1] == {1: "and 3 other mistakes", 3: "and 1 other mistake"}[top]
        assert found.sentences[0] == everything[0]


def test_mistakes_without_a_value_are_told_apart_by_their_messages(database: Database) -> None:
    rows = [product_row(str(n), n, surplus_fields=fields) for n, fields in enumerate((1, -5, 1, 3), 1)]
    open_upload(database, UPLOAD, len(rows))
    judgement = judged(database, *rows)
    found = database.run(lambda connection: summary_of(connection, UPLOAD))
    lines = [(number, error) for (_, number), errors in judgement.errors.items() for error in errors]
    assert found.sentences == summarised(lines).sentences
    assert [sentence[:27] for sentence in found.sentences] == [
        "2 rows: The row has 1 field",
        "Row 2: The row has 5 fields",
        "Row 4: The row has 3 fields",
    ]


def test_an_upload_without_errors_has_nothing_to_say(database: Database) -> None:
    open_upload(database, UPLOAD, 1)
    assert database.run(lambda connection: summary_of(connection, UPLOAD)).sentences == []


def test_a_long_value_and_one_with_line_breaks_stay_short_and_on_one_line() -> None:
    group = ErrorGroup("FIELD_LENGTH_EXCEEDED", "brand", "b\n" * 100, "", "", "It is 99 characters too long", 1_234, 1)
    assert group.sentence == f"1,234 rows: brand '{'b<U+000A>' * 4}b<U+…', it is 99 characters too long"
