"""Files of vendors with the expected errors of each row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from onboarding.domain.models import Mode, OnError
from onboarding.domain.product_schema import COLUMNS
from onboarding.domain.upload_options import Options
from tests.faults.mapped_files import write_mapped_file
from tests.support.running_pipeline import csv_of, product

FAULTS: Sequence[tuple[str, Mapping[str, str]]] = (
    ("INVALID_PRICE", {"price": "0.00"}),
    ("INVALID_STOCK_QUANTITY", {"stock_quantity": "-1"}),
    ("INVALID_CATEGORY", {"category": "Gadgets"}),
    ("MISSING_REQUIRED_FIELDS", {"product_name": ""}),
    ("FIELD_LENGTH_EXCEEDED", {"brand": "b" * 101}),
)
"""One violation of each rule that concerns a single row."""

UNIQUE = {"DUPLICATE_SKU": "sku", "DUPLICATE_VENDOR_PRODUCT_ID": "vendor_product_id"}
"""Errors that depend on other rows, and their column."""


@dataclass(frozen=True)
class File:
    """A file of one vendor.

    `faults` has the expected error types by row number (from 1). `rejection_code` is the code of a rejected file.
    `known` is False for an unknown vendor. `end_error` is the error type with which the upload may have been ended;
    `undone` means that an undo may have been requested. `family` names the headers of a file that only a mapping
    resolves, and `mapping` is the option with which it is uploaded; its rows have the columns of our schema, with the
    vendor's values, and its mapping decides about its faults.
    """

    vendor_id: str
    rows: Sequence[dict[str, str]]
    faults: Mapping[int, frozenset[str]] = field(default_factory=dict)
    rejection_code: str | None = None
    known: bool = True
    all_or_nothing: bool = False
    mode: Mode = Mode.CREATE
    end_error: str | None = None
    undone: bool = False
    family: str | None = None
    mapping: str | None = None

    @property
    def metadata(self) -> dict[str, str]:
        on_error = OnError.REJECT_FILE if self.all_or_nothing else OnError.REJECT_ROWS
        return Options(self.mode, on_error, mapping=self.mapping).metadata()

    @property
    def content(self) -> bytes:
        if self.family is not None:
            return write_mapped_file(self.family, self.rows)
        if self.rejection_code == "MISSING_COLUMNS":
            return csv_of(self.rows, ["sku", "price"])
        return csv_of(self.rows)

    def has_earlier_row(self, column: str, row_number: int) -> bool:
        """Return whether an earlier row has the same value in the column."""
        value = self.rows[row_number - 1][column]
        return any(row[column] == value for row in self.rows[: row_number - 1])


@dataclass(frozen=True)
class FixFile(File):
    """A fix file: `parents` has the cells `_upload` and `_row` of each row."""

    parents: Sequence[tuple[str, str]] = ()

    @property
    def content(self) -> bytes:
        references = ({"_upload": name, "_row": line, "_errors": "?"} for name, line in self.parents)
        rows = [{**reference, **row} for reference, row in zip(references, self.rows, strict=True)]
        return csv_of(rows, ["_upload", "_row", "_errors", *COLUMNS])


def file_of(vendor_id: str, names: Sequence[str], invalid: Mapping[int, int] | None = None) -> File:
    """Return a file of products with these names; `invalid` maps rows (from 1) to an index in `FAULTS`."""
    rows = [dict(product(name, vendor_product_id=f"ID-{name}")) for name in names]
    faults = {}
    for number, kind in (invalid or {}).items():
        error_type, cells = FAULTS[kind]
        rows[number - 1].update(cells)
        faults[number] = frozenset({error_type})
    return File(vendor_id, rows, faults)
