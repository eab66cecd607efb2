"""Correcting in the table is the same as uploading the fix file with the same edits, and never less strict."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from onboarding.domain.corrections import RejectedRow
from onboarding.domain.mapped_numbers import MappedNumberFormat
from onboarding.domain.mappings import FillDown, HeaderMapping, MappingDocument
from onboarding.domain.models import FileRejection, Mode, Row, RowError
from onboarding.domain.product_schema import COLUMNS, NUMBER_COLUMNS
from onboarding.files.parser import ParsedFile
from tests.support.correction_paths import Edits, ParsedParent, list_error_columns
from tests.support.fuzz_cases import CELLS, case
from tests.support.paths import CORPUS

FUZZ_CASES = 200
FILES = [path for path in sorted(CORPUS.iterdir()) if path.suffix in {".csv", ".xlsx"} and path.name != "zip-bomb.xlsx"]

VALID: Mapping[str, Callable[[random.Random], str]] = {
    "vendor_product_id": lambda rng: f"FIXED-{rng.randrange(10**6)}",
    "sku": lambda rng: f"FS-{rng.randrange(10**6)}",
    "product_name": lambda rng: rng.choice(["Lamp", "=Lamp", "'Lamp", 'Lämp; "x", y', "1,5", "#1"]),
    "category": lambda rng: rng.choice(["Electronics", "Books", "Gear", "Men"]),
    "stock_quantity": lambda rng: str(rng.randrange(100)),
    "image_url": lambda rng: rng.choice(["https://images.example.com/a.jpg", "https://x.de/1.jpg, https://x.de/2.jpg"]),
}


def write_number(parent: ParsedParent, column: str, rng: random.Random) -> str:
    """Return a number as the vendor writes it."""
    number_format = parent.notation.number_formats.get(column)
    text = rng.choice(["7", "12.5", "1234.50", "0.25", "1.250"])
    if number_format is not None:
        text = text.replace(".", number_format.decimal_sign)
        return rng.choice([text, f"{text} {number_format.remove}".strip()])
    return text.replace(".", ",") if column in parent.notation.decimal_commas else text


def make_edits(parent: ParsedParent, rows: list[RejectedRow], rng: random.Random) -> dict[int, dict[str, str]]:
    """Return edits of the columns of single headers: mostly of wrong cells, mostly valid."""
    indexes = parent.list_indexes()
    all_percent, valid_percent = rng.choice([50, 100]), rng.choice([60, 100])
    edits: dict[int, dict[str, str]] = {}
    for row in rows:
        columns = list(dict.fromkeys(list_error_columns(row)))
        if rng.random() < 0.2:
            columns.append(rng.choice(COLUMNS))
        cells: dict[str, str] = {}
        used_indexes: set[int] = set()
        for column in columns:
            if column not in indexes or indexes[column] in used_indexes or rng.randrange(100) >= all_percent:
                continue
            used_indexes.add(indexes[column])
            if rng.randrange(100) >= valid_percent:
                text = rng.choice([cell for cell in CELLS if "\0" not in cell])
            elif column in NUMBER_COLUMNS and column != "stock_quantity":
                text = write_number(parent, column, rng)
            else:
                text = VALID[column](rng) if column in VALID else "text"
            # A cell of the fix file feeds all columns of its header; in the table, each has an input of its own.
            cells |= {name: text for name, index in indexes.items() if index == indexes[column]}
        edits[row.row_number] = cells
    return edits


def key_of(error: RowError) -> tuple[str, str]:
    return error.error_type, error.field


def list_signs(parsed: ParsedFile) -> tuple[set[str], set[str]]:
    return {*parsed.file_details.decimal_commas}, {*parsed.file_details.uncertain}


def may_mean(text: str, number: str) -> bool:
    """Return whether a text, without another notation, is written for a number."""
    spellings = {text, text.replace(".", "").replace(",", ".")}
    return number in spellings or any(spelling.rstrip("0") == number.rstrip("0") for spelling in spellings)


class Comparison:
    """The results of both ways for the edits of one file."""

    def __init__(self, parent: ParsedParent, rows: list[RejectedRow], edits: Edits) -> None:
        self.parent, self.rows, self.edits = parent, rows, edits
        self.notation = parent.notation
        self.file_rows: Mapping[int, Row] = {}
        self.compared = self.accepted = 0

    def run(self) -> None:
        editable_rows = [row for row in self.rows if row.is_editable]
        self.table_rows, self.table_errors = self.parent.correct_in_table(editable_rows, self.edits)
        in_file = self.parent.correct_in_file(self.edits)
        if not isinstance(in_file, FileRejection):
            parsed, self.file_rows, self.file_errors = in_file
            # Edits, and fewer rows, may show other decimal signs than the file.
            self.same_signs = list_signs(parsed) == list_signs(self.parent.parsed)
        before = {row.row_number: row for row in self.parent.parsed.rows}
        for row in editable_rows:
            self.check_unedited_cells(row, before[row.row_number])
            if self.file_rows:
                self.compare(row)

    def list_edited_columns(self, row: RejectedRow) -> set[str]:
        return set(self.notation.drop_unchanged(row, self.edits.get(row.row_number, {})))

    def check_unedited_cells(self, row: RejectedRow, before: Row) -> None:
        """Check that unedited cells are as they were read in the file."""
        edited, after = self.list_edited_columns(row), self.table_rows[row.row_number]
        wrong = {column for error in self.table_errors[row.row_number] for column in error.field.split(", ")}
        for column in set(COLUMNS) - edited - wrong:
            stored = before.cells.get(column)
            if stored is not None and not stored.isprintable():
                continue
            assert after.cells.get(column) == stored, ("unedited", row.row_number, column)

    def compare(self, row: RejectedRow) -> None:
        number, edited = row.row_number, self.list_edited_columns(row)
        in_table, in_file = self.table_rows[number], self.file_rows[number]
        if in_file.surplus_fields:
            return
        table_errors = {key_of(error) for error in self.table_errors[number]}
        file_errors = {key_of(error) for error in self.file_errors.get(number, [])}
        for column in edited:
            values = in_table.cells.get(column), in_file.cells.get(column)
            if self.same_signs and column in {*in_file.unclear} - {*in_table.unclear}:
                # Values of the file that the fix file does not show decide what a point means.
                file_errors = {(kind, name) for kind, name in file_errors if name != column}
            elif self.same_signs or column not in NUMBER_COLUMNS:
                assert values[0] == values[1], ("edited", number, column, values)
            text, value = self.edits[number].get(column), in_table.cells.get(column)
            is_plain = column in NUMBER_COLUMNS and column not in self.notation.number_formats
            if is_plain and text is not None and value is not None and not self.table_errors[number]:
                assert may_mean(text.strip(), value), ("written", number, column, text, value)
        stored = {key_of(error) for error in row.errors}
        # The parent showed by all its rows how an unedited cell is read; the fix file may not.
        laxer = {
            (kind, column)
            for kind, column in file_errors - table_errors
            if not edited.isdisjoint(column.split(", ")) or (kind, column) in stored
        }
        assert not laxer or not self.same_signs, ("laxer", number, laxer)
        if set(list_error_columns(row)) <= edited and self.same_signs:
            assert table_errors <= file_errors, ("stricter", number, table_errors - file_errors)
            self.compared += 1
            self.accepted += not table_errors


def compare_ways(parent: ParsedParent | None, rng: random.Random) -> Counter[str]:
    """Compare both ways for some edits of a file; return how many rows were compared, and accepted."""
    counts: Counter[str] = Counter()
    if parent is None:
        return counts
    rows = parent.list_rejected_rows()
    for row in rows:
        # A shown value that is typed again is no edit.
        shown = {column: parent.notation.show_value(row, column) for column in COLUMNS}
        assert parent.notation.drop_unchanged(row, shown) == {}
    for _ in range(3):
        edits = make_edits(parent, rows, rng)
        comparison = Comparison(parent, rows, edits)
        try:
            comparison.run()
        except AssertionError as error:
            error.add_note(f"edits: {edits}")
            raise
        counts.update(compared=comparison.compared, accepted=comparison.accepted)
    return counts


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_correct_corpus_file_in_table_and_in_fix_file_is_equal(path: Path) -> None:
    compare_ways(ParsedParent.read(path.read_bytes()), random.Random(path.name))  # noqa: S311


def test_correct_fuzz_cases_in_table_and_in_fix_file_is_equal() -> None:
    counts: Counter[str] = Counter()
    for number in range(FUZZ_CASES):
        item = case(number)
        try:
            counts += compare_ways(ParsedParent.read(item.data, item.options.mode), random.Random(number))  # noqa: S311
        except AssertionError as error:
            error.add_note(f"case {number}: {item.data[:300]!r}")
            raise
    assert counts["compared"] > FUZZ_CASES
    assert counts["accepted"] > FUZZ_CASES // 2


FIRST = "https://x.de/1.jpg"
NAMES = ("Handle", "Number", "Title", "Kind", "Cost", "Weight", "Stock", "Pictures", "Maker", "Note")


def make_document(rng: random.Random) -> MappingDocument:
    sign = rng.choice([",", "."])
    price = MappedNumberFormat(sign, rng.choice(["", ".", "'"]) if sign == "," else "", rng.choice(["", "EUR"]))
    weight = MappedNumberFormat(sign, "", rng.choice(["", "g"]), rng.choice(["1", "0.001"]))
    columns = {
        "Number": HeaderMapping(("vendor_product_id", "sku")),
        "Title": HeaderMapping(("product_name",)),
        "Kind": HeaderMapping(("category",)),
        "Cost": HeaderMapping(("price", "compare_at_price") if rng.random() < 0.3 else ("price",), price),
        "Weight": HeaderMapping(("weight_kg",), weight),
        "Stock": HeaderMapping(("stock_quantity",)),
        "Pictures": HeaderMapping(("image_url",)),
        "Maker": HeaderMapping(("brand",)),
        "Note": HeaderMapping(()),
    }
    constants = {"unit": "piece", "subcategory": rng.choice(["", "Gear"])}
    if rng.random() < 0.3:
        del columns["Kind"]
        constants["category"] = rng.choice(["Men", "Electronics", "Nonsense"])
    fill_down = FillDown("Handle", ("Title", "Kind", "Maker") if "Kind" in columns else ("Title", "Maker"))
    return MappingDocument(
        columns,
        {column: text for column, text in constants.items() if text},
        fill_down if rng.random() < 0.5 else None,
        {"category": {"Gear": "Electronics"}} if rng.random() < 0.5 else {},
        ("Pictures",) if rng.random() < 0.5 else (),
    )


def make_mapped_file(rng: random.Random) -> bytes:
    """Return a file for `make_document`, in which many cells are wrong."""

    def choose(*texts: str) -> str:
        return rng.choice(texts) if rng.random() < 0.8 else rng.choice(CELLS).translate(dict.fromkeys(b'"\r\n'))

    lines = [";".join(NAMES)]
    lines += [
        ";".join([
            f"H{number // 3}", choose(f"0{number}", f"A-{number}", "0001230000000"),
            choose("Lamp", "") if number % 3 else "Lamp", choose("Gear", "Men", "Books", ""),
            choose("12,50 EUR", "1.234,5", "19.90", "x", "1.250"), choose("250", "1,5", "0.5 g", "x"),
            choose("5", "5", "many"), choose(FIRST, f"{FIRST}, https://x.de/2.jpg", "ftp://x", ""),
            choose("Acme", "n/a", "b" * 101, ""), choose("note", ""),
        ])
        for number in range(rng.choice([1, 3, 8]))
    ]  # fmt: skip
    return ("\r\n".join(lines) + "\r\n").encode(errors="replace")


TARGETS: Mapping[str, Any] = {"category": {"men": "Men's Clothing", "men's clothing": "Books", "books": "Books"}}


def test_correct_mapped_files_in_table_and_in_fix_file_is_equal() -> None:
    counts: Counter[str] = Counter()
    for number in range(FUZZ_CASES):
        rng = random.Random(number)  # noqa: S311
        document, content = make_document(rng), make_mapped_file(rng)
        parent = ParsedParent.read(content, rng.choice(list(Mode)), document=document, targets=TARGETS)
        try:
            counts += compare_ways(parent, rng)
        except AssertionError as error:
            error.add_note(f"case {number}: {document} {content!r}")
            raise
    assert counts["compared"] > FUZZ_CASES
    assert counts["accepted"] > FUZZ_CASES // 4
