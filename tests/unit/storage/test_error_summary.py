"""Groups and sentences of the error summary of an upload."""

from __future__ import annotations

from onboarding.domain.error_codes import RowErrorCode
from onboarding.domain.error_summary import ErrorGroup, summarize_errors
from onboarding.domain.models import RowError
from onboarding.storage.held_rows import build_file_rejected_error

PRICE_EXPECTED = "a number from 0.01 to 999999.99"


def price_error(row_number: int, value: str, hint: str = "") -> tuple[int, RowError]:
    error = RowError(RowErrorCode.INVALID_PRICE, "price", f"Price: {value}", value, PRICE_EXPECTED, hint)
    return row_number, error


def sku_error(row_number: int, value: str) -> tuple[int, RowError]:
    message = f"Duplicate SKU: {value} already exists"
    return row_number, RowError(RowErrorCode.DUPLICATE_SKU, "sku", message, value, "a SKU that no other product has")


def category_error(row_number: int, value: str = "Men") -> tuple[int, RowError]:
    message, hint = f"Invalid category: {value}", "Did you mean 'Men's'?"
    return row_number, RowError(RowErrorCode.INVALID_CATEGORY, "category", message, value, hint=hint)


def test_error_group_sentence_is_short_and_on_one_line() -> None:
    group = ErrorGroup(
        "FIELD_LENGTH_EXCEEDED",
        "brand",
        value="b\n" * 100,
        distinct_values=1,
        examples=["b\n" * 100],
        message="",
        expected="",
        hint="It is 99 characters too long",
        rows=1_234,
        first_row=1,
    )
    assert group.sentence == f"1,234 rows: brand '{'b<U+000A>' * 4}b<U+…', it is 99 characters too long"


def test_summary_of_one_value_in_many_rows_is_a_group_with_its_hint() -> None:
    [group] = summarize_errors(category_error(number) for number in range(1, 451)).groups
    assert group.sentence == "450 rows: category 'Men', did you mean 'Men's'?"
    assert (group.value, group.distinct_values, group.hint) == ("Men", 1, "Did you mean 'Men's'?")


def test_summary_of_many_different_values_is_one_group_with_examples() -> None:
    values = ["free", "12..5", *(f"x{n}" for n in range(48))]
    [group] = summarize_errors(
        price_error(number, value, f"Hint {value}") for number, value in enumerate(values, 3)
    ).groups
    assert group.sentence == (
        f"50 rows: price, different values, such as 'free' and '12..5': invalid price, expected {PRICE_EXPECTED}"
    )
    assert (group.value, group.distinct_values, group.examples, group.hint) == ("", 50, ["free", "12..5"], "")
    assert (group.message, group.first_row) == ("Invalid price", 3)


def test_summary_of_values_in_one_and_in_several_rows_splits_the_latter() -> None:
    summary = summarize_errors(price_error(n, value) for n, value in enumerate(["a", "0", "b", "0", "0"], 1))
    assert summary.sentences == [
        f"3 rows: price '0', expected {PRICE_EXPECTED}",
        f"2 rows: price, 'a' and 'b': invalid price, expected {PRICE_EXPECTED}",
    ]


def test_summary_of_10000_duplicate_skus_is_one_group() -> None:
    summary = summarize_errors(sku_error(number, f"S-{number // 2}") for number in range(2, 10_002))
    [sentence] = summary.sentences
    assert sentence == (
        "10,000 rows: sku, different values, such as 'S-1' and 'S-2': duplicate SKU, expected a SKU that no other "
        "product has"
    )
    assert summary.groups[0].distinct_values == 5_000


def test_summary_of_errors_without_value_is_one_group_for_each_field() -> None:
    def missing(field: str) -> RowError:
        return RowError(RowErrorCode.MISSING_REQUIRED_FIELDS, field, f"Missing required fields: {field}")

    summary = summarize_errors([(1, missing("sku")), (2, missing("price")), (3, missing("price"))])
    assert summary.sentences == ["2 rows: Missing required fields: price", "Row 1: Missing required fields: sku"]


def test_summary_of_different_messages_without_value_uses_the_label() -> None:
    errors = [RowError(RowErrorCode.FIELD_COUNT_MISMATCH, "row", text, expected="3 fields") for text in ("2", "4")]
    assert summarize_errors(enumerate(errors, 1)).sentences == ["2 rows: Field count mismatch, expected 3 fields"]


def test_summary_names_the_valid_rows_of_an_all_or_nothing_file_last_and_once() -> None:
    errors = [(number, build_file_rejected_error(3)) for number in range(1, 25)]
    errors += [price_error(25, "0"), category_error(26, "A"), category_error(27, "A")]
    valid_rows = (
        "24 valid rows are not imported because the file is accepted only as a whole. Fix the other rows, then upload "
        "all rows again"
    )
    assert summarize_errors(errors).sentences == [
        "2 rows: category 'A', did you mean 'Men's'?",
        f"Row 25: price '0', expected {PRICE_EXPECTED}",
        valid_rows,
    ]
    summary = summarize_errors(errors, top=1)
    assert summary.sentences[1:] == ["and 1 other mistake", valid_rows]
    assert summary.more == 1
