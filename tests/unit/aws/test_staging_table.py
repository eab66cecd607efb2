"""Items of the staging table: conversion of rows, and writes."""

from __future__ import annotations

import copy
import json
import re
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import pytest
from botocore.validate import validate_parameters
from hypothesis import example, given, settings
from hypothesis import strategies as st

from onboarding.aws.concurrent_calls import map_concurrently
from onboarding.aws.staging_table import (
    ATTEMPTS,
    RETENTION_DAYS,
    UNPROCESSABLE_PREFIX,
    WRITE_BATCH,
    Item,
    MalformedItem,
    format_messages,
    from_item,
    record_id,
    stage_rows,
    store_unprocessable,
    to_item,
    utc_now,
    write_outcomes,
)
from onboarding.domain.models import Row, RowError
from onboarding.domain.product_schema import COLUMNS, NUMBER_COLUMNS
from onboarding.domain.validation import validate_row
from onboarding.domain.validation_context import ValidationContext
from onboarding.files.row_builder import MAX_CELL
from onboarding.runtime import AppContext
from tests.support.postgres_fixtures import VALID_CELLS, input_shape, make_row

texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)
number_like = st.one_of(
    texts,
    st.from_regex(r"-?[0-9]{1,25}(\.[0-9]{1,22})?", fullmatch=True),
    st.sampled_from(["NaN", "Infinity", "1e3", "+5", "5.", ".5", "-0", "-0.00", "007", "1_000", "\uff15", "5\n"]),
)
ids = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40).filter(str.isprintable)
cells = st.fixed_dictionaries(
    {}, optional={column: number_like if column in NUMBER_COLUMNS else texts for column in COLUMNS}
)
rows = st.builds(
    Row,
    upload_id=ids,
    vendor_id=ids,
    row_number=st.integers(1, 10_000),
    cells=cells,
    duplicate_of=st.dictionaries(st.sampled_from(["sku", "vendor_product_id"]), st.integers(1, 9_999)),
    surplus_fields=st.integers(-13, 20),
    cut=st.dictionaries(st.sampled_from(COLUMNS), st.integers(2_501, 10_000_000)),
    unclear=st.lists(st.sampled_from(sorted(NUMBER_COLUMNS)), unique=True).map(tuple),
    decimal_comma=st.lists(st.sampled_from(sorted(NUMBER_COLUMNS)), unique=True).map(tuple),
    damaged=st.dictionaries(st.sampled_from(["sku", "vendor_product_id"]), st.sampled_from(["decimals", "dates"])),
    many_categories=st.booleans(),
    number_factors=st.dictionaries(st.sampled_from(sorted(NUMBER_COLUMNS)), st.sampled_from(["0.001", "0.01"])),
)


def store_and_load(item: Item) -> Item:
    """Return the item as DynamoDB returns it: numbers without redundant zeros, and without the sign of zero."""

    def convert(value: dict[str, Any]) -> dict[str, Any]:
        ((kind, content),) = value.items()
        if kind == "M":
            return {"M": {name: convert(inner) for name, inner in content.items()}}
        if kind == "N":
            number = Decimal(content)
            assert len(number.as_tuple().digits) <= 38, "the limit of DynamoDB is 38 digits"
            text = f"{number:f}"
            text = text.rstrip("0").rstrip(".") if "." in text else text
            return {"N": "0" if number == 0 else text}
        assert kind in {"S", "BOOL"}
        return value

    return {name: convert(value) for name, value in json.loads(json.dumps(item)).items()}


@settings(deadline=None, max_examples=150)
@given(rows)
@example(make_row(price="10.00", stock_quantity="007", weight_kg="-0.000", compare_at_price="-0"))
@example(make_row(price="1" * 20 + "." + "2" * 18, stock_quantity="9" * 21, weight_kg="0." + "0" * 18))
def test_from_item_of_any_row_returns_the_row(row: Row) -> None:
    item = to_item(row)
    assert from_item(item) == row
    assert from_item(store_and_load(item)) == row


@pytest.mark.parametrize("column", NUMBER_COLUMNS)
@pytest.mark.parametrize("text", ["0", "5", "-1", "150", "19.99", "0.25", "-10.5", "999999.99", "12345678901234567890"])
def test_to_item_plain_number_is_a_number(column: str, text: str) -> None:
    item = to_item(make_row(**{column: text}))
    assert item["product_data"]["M"][column] == {"N": text}
    assert "as_written" not in item


@pytest.mark.parametrize("text", ["10.00", "007", "-0", "0.0", "-0.50", "1.10"])
def test_to_item_number_keeps_its_text(text: str) -> None:
    item = to_item(make_row(price=text))
    assert Decimal(item["product_data"]["M"]["price"]["N"]) == Decimal(text)
    assert item["as_written"]["M"]["price"] == {"S": text}
    assert from_item(store_and_load(item)).cells["price"] == text


@pytest.mark.parametrize(
    "text",
    ["NaN", "Infinity", "-inf", "1e3", "1_000", "+5", "5.", ".5", "5\n", "\uff15", "\u0665", "9" * 21, "0." + "1" * 19],
)
def test_to_item_other_number_is_text(text: str) -> None:
    assert to_item(make_row(price=text))["product_data"]["M"]["price"] == {"S": text}


def test_to_item_text_column_is_text() -> None:
    item = to_item(make_row(**dict.fromkeys(COLUMNS, "5")))
    kinds = {column: next(iter(value)) for column, value in item["product_data"]["M"].items()}
    assert kinds == {column: "N" if column in NUMBER_COLUMNS else "S" for column in COLUMNS}


def test_to_item_attributes_are_those_of_the_contract() -> None:
    before = utc_now()
    item = to_item(make_row(7))
    assert item.pop("created_at")["S"] >= before
    seconds = int(item.pop("expires_at")["N"]) - time.time()
    assert (RETENTION_DAYS - 1) * 86_400 < seconds <= RETENTION_DAYS * 86_400
    data = item.pop("product_data")["M"]
    assert item == {
        "upload_id": {"S": "UPLOAD_1"},
        "record_id": {"S": "REC_00007"},
        "vendor_id": {"S": "VEND001"},
        "row_number": {"N": "7"},
        "status": {"S": "pending_validation"},
    }
    assert data == {column: {"N" if column in NUMBER_COLUMNS else "S": text} for column, text in VALID_CELLS.items()}


@pytest.mark.parametrize(("number", "name"), [(1, "REC_00001"), (42, "REC_00042"), (10_000, "REC_10000")])
def test_record_id_has_five_digits(number: int, name: str) -> None:
    assert record_id(number) == name


def test_utc_now_is_iso_8601() -> None:
    now = utc_now()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", now)
    assert datetime.fromisoformat(now).utcoffset() == timedelta(0)


# Writing


class Table:
    """Double of DynamoDB. `unprocessed` has the number of items that each call returns as unprocessed."""

    def __init__(self, *unprocessed: int) -> None:
        self.unprocessed = list(unprocessed)
        self.calls: list[list[Item]] = []
        self.written: list[Item] = []

    def batch_write_item(self, *, RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
        validate_parameters({"RequestItems": RequestItems}, input_shape("dynamodb", "BatchWriteItem"))
        ((table, requests),) = RequestItems.items()
        assert table == "UploadRecords"
        items = [copy.deepcopy(request["PutRequest"]["Item"]) for request in requests]
        count = self.unprocessed.pop(0) if self.unprocessed else 0
        self.calls.append(items)
        self.written += items[: len(items) - count]
        return {"UnprocessedItems": {table: requests[len(items) - count :]} if count else {}}


def context_with(table: Table) -> AppContext:
    return cast("AppContext", SimpleNamespace(dynamodb=table, settings=SimpleNamespace(table="UploadRecords")))


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Replace the pauses by a list of their seconds."""
    seconds: list[float] = []
    monkeypatch.setattr("onboarding.aws.staging_table.time", SimpleNamespace(sleep=seconds.append, time=time.time))
    return seconds


def size(item: Item) -> int:
    """Return the size of the JSON in UTF-8, which exceeds the size that DynamoDB counts."""
    return len(json.dumps(item, ensure_ascii=False).encode())


@pytest.mark.parametrize("count", [0, 1, 25, 26, 100])
def test_stage_rows_writes_each_row_once_in_full_batches(count: int) -> None:
    table = Table()
    stage_rows(context_with(table), [make_row(number) for number in range(1, count + 1)])
    assert sorted(item["record_id"]["S"] for item in table.written) == [record_id(n) for n in range(1, count + 1)]
    assert sorted((len(call) for call in table.calls), reverse=True) == [WRITE_BATCH] * (count // 25) + (
        [count % 25] if count % 25 else []
    )


def test_map_concurrently_takes_arguments_lazily() -> None:
    arguments_read: list[int] = []

    def arguments() -> Iterator[int]:
        for number in range(1_000):
            arguments_read.append(number)
            yield number

    calls = map_concurrently(lambda _: None, arguments())
    next(calls)
    assert len(arguments_read) < 100
    assert len(list(calls)) == 999


def test_stage_rows_unprocessed_items_are_retried(pauses: list[float]) -> None:
    table = Table(10, 4)
    stage_rows(context_with(table), [make_row(number) for number in range(1, 21)])
    assert [len(call) for call in table.calls] == [20, 10, 4]
    assert sorted(item["row_number"]["N"] for item in table.written) == sorted(str(n) for n in range(1, 21))
    assert len(pauses) == 2
    assert pauses[0] < pauses[1]


def test_stage_rows_permanently_unprocessed_items_raise(pauses: list[float]) -> None:
    table = Table(*[1] * ATTEMPTS)
    with pytest.raises(RuntimeError, match=f"did not write 1 items in {ATTEMPTS} attempts"):
        stage_rows(context_with(table), [make_row(1), make_row(2)])
    assert len(table.calls) == ATTEMPTS
    assert pauses == sorted(pauses)


def test_write_outcomes_replaces_the_status() -> None:
    table = Table()
    valid, invalid = to_item(make_row(1)), to_item(make_row(2, price="10.00"))
    errors = [
        RowError("INVALID_PRICE", "price", "Price must ..."),
        RowError("DUPLICATE_SKU", "sku", "Duplicate SKU: S"),
    ]
    write_outcomes(context_with(table), [(valid, []), (invalid, errors)])
    first, second = table.written
    processed = {first.pop("processed_at")["S"], second.pop("processed_at")["S"]}
    assert len(processed) == 1
    assert first == {**valid, "status": {"S": "validated"}}
    assert second == {
        **invalid,
        "status": {"S": "error"},
        "error_reason": {"S": "INVALID_PRICE"},
        "error_details": {"S": "Price must ...; Duplicate SKU: S"},
    }
    assert valid["status"] == {"S": "pending_validation"}


def largest_rows() -> list[Row]:
    """Return rows whose cells have the maximum length, of characters with long encodings."""
    lengths = dict.fromkeys(COLUMNS, 10_000_000)
    duplicates = {"sku": 9_999, "vendor_product_id": 9_999}
    return [
        Row("U" * 50, "V" * 50, 10_000, dict.fromkeys(COLUMNS, character * MAX_CELL), duplicates, -13, lengths)
        for character in ("\N{PILE OF POO}", "\0", '"', "\\", "\uffff", "9")
    ]


@pytest.mark.parametrize("row", largest_rows(), ids=["four bytes", "NUL", "quote", "backslash", "U+FFFF", "digit"])
def test_write_outcomes_largest_row_is_below_the_limits(row: Row) -> None:
    table = Table()
    complete_row = Row(row.upload_id, row.vendor_id, row.row_number, row.cells, row.duplicate_of)
    errors = validate_row(complete_row, ValidationContext(set(), set(), set()))
    write_outcomes(context_with(table), [(to_item(row), errors)])
    (item,) = table.written
    assert len(item["error_details"]["S"]) == len(format_messages(errors)) > 0
    assert size(item) < 400 * 1024
    # The limit of a batch is 16 MB.
    assert size(item) * WRITE_BATCH < 16 * 1024 * 1024


# Malformed items

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["S", "N", "M", "L"]), inner),
    max_leaves=8,
)


@given(rows, st.data())
def test_from_item_with_a_changed_attribute_raises_or_returns_a_row(row: Row, data: st.DataObject) -> None:
    """For any value of an attribute, `from_item` raises MalformedItem or returns a row that can be validated."""
    item = to_item(row)
    name = data.draw(st.sampled_from(sorted({*item, "duplicate_of", "cut", "unclear", "as_written"})))
    changed = {**item, name: data.draw(JSON)}
    try:
        parsed = from_item(changed)
    except MalformedItem:
        return
    assert isinstance(parsed.upload_id, str)
    assert 1 <= parsed.row_number < 2**31
    assert all(isinstance(text, str) and text for text in parsed.cells.values())
    validate_row(parsed, ValidationContext({"Computer Accessories"}, set(), set()))


@pytest.mark.parametrize("name", ["upload_id", "record_id", "vendor_id", "row_number", "product_data"])
def test_from_item_without_an_attribute_raises(name: str) -> None:
    item = to_item(make_row())
    del item[name]
    with pytest.raises(MalformedItem):
        from_item(item)


def test_store_unprocessable_redelivered_item_is_stored_once_with_reason_and_event() -> None:
    objects: dict[tuple[str, str], bytes] = {}
    s3 = SimpleNamespace(put_object=lambda **call: objects.update({(call["Bucket"], call["Key"]): call["Body"]}))
    ctx = cast("AppContext", SimpleNamespace(s3=s3, settings=SimpleNamespace(failures_bucket="failures")))
    item = to_item(make_row())
    store_unprocessable(ctx, [(item, "there is no such upload")])
    store_unprocessable(ctx, [(item, "there is no such upload")])
    [(bucket, key)], [body] = objects.keys(), objects.values()
    assert bucket == "failures"
    assert key.startswith(f"{UNPROCESSABLE_PREFIX}/")
    content = json.loads(body)
    assert content["reason"] == "there is no such upload"
    assert json.loads(content["payload"])["Records"][0]["dynamodb"]["NewImage"] == item
