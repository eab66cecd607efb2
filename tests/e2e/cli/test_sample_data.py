"""Sample files: number and kinds of errors, reproducible content, unique SKUs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboarding.cli.main import main
from onboarding.cli.sample_data import MUTATIONS, make_sample_rows, write_samples
from onboarding.cli.sample_products import BRANDS
from onboarding.domain.models import FileRejection, Row, RowError
from onboarding.domain.product_schema import COLUMNS, IDENTIFIERS
from onboarding.domain.validation import validate_row
from onboarding.domain.validation_context import ValidationContext
from onboarding.files.parser import MAX_BYTES, parse
from onboarding.storage.migrate import load_migrations

ERROR_TYPES = {
    "MISSING_REQUIRED_FIELDS",
    "INVALID_PRICE",
    "INVALID_STOCK_QUANTITY",
    "FIELD_LENGTH_EXCEEDED",
    "INVALID_CATEGORY",
    "DUPLICATE_SKU",
    "DUPLICATE_VENDOR_PRODUCT_ID",
}

_, _, _SEED = load_migrations()[0].text.partition("insert into product_categories")
CONTEXT = ValidationContext(
    categories={name.replace("''", "'") for name in re.findall(r"\('((?:[^']|'')+)'\)", _SEED)},
    taken_skus=set(),
    taken_ids=set(),
)


def validate_file(path: Path, vendor_id: str) -> dict[int, list[RowError]]:
    """Return the errors of each row of a file with an empty catalog."""
    result = parse(path.read_bytes(), "UPLOAD_1", vendor_id)
    assert not isinstance(result, FileRejection), result
    return {row.row_number: validate_row(row, CONTEXT) for row in result.rows}


def list_invalid_rows(errors: dict[int, list[RowError]]) -> list[int]:
    return [number for number, row_errors in errors.items() if row_errors]


def count_error_types(errors: dict[int, list[RowError]]) -> Counter[str]:
    return Counter(error.error_type for row_errors in errors.values() for error in row_errors)


def test_write_samples_files_have_the_errors_of_the_contract(tmp_path: Path) -> None:
    samples = write_samples(tmp_path / "deep" / "samples", 100, 0.08)
    assert [sample.vendor_id for sample in samples] == ["VEND001", "VEND002", "VEND003"]
    for sample in samples:
        errors = validate_file(sample.path, sample.vendor_id)
        assert sample.path.name == f"{sample.vendor_id}.csv"
        assert (sample.rows, sample.invalid_rows, len(errors), len(list_invalid_rows(errors))) == (100, 8, 100, 8)
        assert count_error_types(errors).keys() == ERROR_TYPES


@settings(max_examples=60, deadline=None)
@given(rows=st.integers(1, 200), rate=st.floats(0, 1), seed=st.integers(0, 99), vendor=st.sampled_from(sorted(BRANDS)))
def test_make_sample_rows_have_the_requested_number_of_invalid_rows(
    rows: int, rate: float, seed: int, vendor: str
) -> None:
    result = make_sample_rows(vendor, rows, rate, seed)
    assert len(result) == rows
    assert len(list_invalid_rows(validate_rows(result))) == round(rows * rate)


def validate_rows(sample: Sequence[dict[str, str]]) -> dict[int, list[RowError]]:
    """Return the errors of rows that are not in a file."""
    first: dict[tuple[str, str], int] = {}
    errors = {}
    for number, cells in enumerate(sample, 1):
        filled = {column: text for column, text in cells.items() if text}
        repeated = {}
        for column in IDENTIFIERS:
            if column in filled and (earlier := first.setdefault((column, filled[column]), number)) != number:
                repeated[column] = earlier
        errors[number] = validate_row(Row("UPLOAD_1", "V", number, filled, repeated), CONTEXT)
    return errors


def test_write_samples_10_000_rows_have_every_error_and_fit_the_limit(tmp_path: Path) -> None:
    for sample in write_samples(tmp_path, 10_000, 0.05):
        errors = validate_file(sample.path, sample.vendor_id)
        assert len(list_invalid_rows(errors)) == 500
        assert count_error_types(errors).keys() == ERROR_TYPES
        assert min(count_error_types(errors).values()) >= 500 // len(MUTATIONS)
        assert sample.path.stat().st_size < MAX_BYTES


def test_write_samples_same_arguments_write_same_files(tmp_path: Path) -> None:
    def content(name: str, seed: int, run: str = "") -> list[bytes]:
        return [sample.path.read_bytes() for sample in write_samples(tmp_path / name, 50, 0.1, seed, run)]

    assert content("a", 7) == content("b", 7)
    assert content("c", 8) != content("a", 7)


def test_make_sample_rows_skus_are_unique_across_files_and_runs() -> None:
    rows = [row for run in ("", "b", "c") for vendor in BRANDS for row in make_sample_rows(vendor, 200, 0, run=run)]
    assert len({row["sku"] for row in rows}) == len(rows) == 3 * 3 * 200
    ids = {(index // 200, row["vendor_product_id"]) for index, row in enumerate(rows)}
    assert len(ids) == len(rows)


def test_make_sample_rows_match_the_sample_of_the_contract() -> None:
    [row] = make_sample_rows("VEND001", 1, 0)
    assert tuple(row) == COLUMNS
    assert row["vendor_product_id"] == "PROD0001"
    assert re.fullmatch(r"[A-Z]{2}-VEND001-0001", row["sku"])
    assert re.fullmatch(r".+ - Model \d{3}", row["product_name"])
    assert re.fullmatch(r"\d+\.\d\d", row["price"])


def test_sample_command_writes_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sample", str(tmp_path), "--rows", "20", "--error-rate", "0.5", "--run", "second"]) == 0
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["VEND001-second.csv", "VEND002-second.csv", "VEND003-second.csv"]
    assert "20 rows, 10 of them with errors" in capsys.readouterr().out
    assert len(list_invalid_rows(validate_file(tmp_path / names[0], "VEND001"))) == 10


@pytest.mark.parametrize("option", [("--rows", "0"), ("--error-rate", "1.1"), ("--run", "a/b"), ("--run", "x" * 21)])
def test_sample_command_invalid_option_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: tuple[str, str]
) -> None:
    assert main(["sample", str(tmp_path), *option]) == 1
    assert option[0] in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
