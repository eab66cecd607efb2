"""Collector of merged ranges, hidden columns and hyperlinks of a sheet."""

from __future__ import annotations

from onboarding.files.xlsx_cells import MAX_COLUMN, SheetCells, parse_range
from onboarding.files.xlsx_limits import Handler, Package, TooLargeError
from onboarding.files.xlsx_workbook import RELATIONSHIP_ID, SPREADSHEET_NS

MAX_RANGES = 70_000
"""Maximum number of merged ranges, and of cells with a hyperlink."""

TRUE_VALUES = frozenset({"1", "true"})
"""Spellings of a true attribute."""

_MERGED, _LINK, _COLUMN = (f"{SPREADSHEET_NS} {name}" for name in ("mergeCell", "hyperlink", "col"))


class RangeHandler(Handler):
    """Collects ranges into `cells`, and cells with a hyperlink with the ID of its relationship into `links`."""

    __slots__ = ("_package", "cells", "links")

    def __init__(self, package: Package) -> None:
        super().__init__()
        self.cells = SheetCells()
        self.links: list[tuple[tuple[int, int], str]] = []
        self._package = package

    def start_range(self, name: str, attributes: dict[str, str]) -> None:
        """Store the range of an element; raise `TooLargeError` over a limit."""
        if name == _MERGED:
            self.cells.merged.append(parse_range(attributes.get("ref", "")))
        elif name == _LINK:
            key = attributes.get(RELATIONSHIP_ID, "")
            first = parse_range(attributes.get("ref", ""))
            self._package.count_text(len(key))
            self.links.append(((first.first_row, first.first_column), key))
        elif name == _COLUMN and attributes.get("hidden") in TRUE_VALUES:
            self.cells.hidden_columns.append(range(int(attributes["min"]) - 1, int(attributes["max"])))
            if len(self.cells.hidden_columns) > MAX_COLUMN:
                raise TooLargeError
        if max(len(self.cells.merged), len(self.links)) > MAX_RANGES:
            raise TooLargeError
