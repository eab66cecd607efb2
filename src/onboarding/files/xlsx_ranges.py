"""What a sheet says about ranges of cells: merged, hidden, linked."""

from __future__ import annotations

from onboarding.files.xlsx_cells import MAX_COLUMN, SheetCells, range_of
from onboarding.files.xlsx_limits import Handler, Package, TooLargeError
from onboarding.files.xlsx_workbook import RELATIONSHIP, SHEETS

MAX_RANGES = 70_000
"""Merged ranges, and cells with a hyperlink."""

HIDDEN = frozenset({"1", "true"})

_MERGED, _LINK, _COLUMN = (f"{SHEETS} {name}" for name in ("mergeCell", "hyperlink", "col"))


class RangeHandler(Handler):
    """Collects ranges into `cells`. `links` are the cells with a hyperlink, each with the id of its relationship."""

    __slots__ = ("_package", "cells", "links")

    def __init__(self, package: Package) -> None:
        super().__init__()
        self.cells = SheetCells()
        self.links: list[tuple[tuple[int, int], str]] = []
        self._package = package

    def start_range(self, name: str, attributes: dict[str, str]) -> None:
        if name == _MERGED:
            self.cells.merged.append(range_of(attributes.get("ref", "")))
        elif name == _LINK:
            key = attributes.get(RELATIONSHIP, "")
            first = range_of(attributes.get("ref", ""))
            self._package.keep(len(key))
            self.links.append(((first.first_row, first.first_column), key))
        elif name == _COLUMN and attributes.get("hidden") in HIDDEN:
            self.cells.hidden_columns.append(range(int(attributes["min"]) - 1, int(attributes["max"])))
            if len(self.cells.hidden_columns) > MAX_COLUMN:
                raise TooLargeError
        if max(len(self.cells.merged), len(self.links)) > MAX_RANGES:
            raise TooLargeError
