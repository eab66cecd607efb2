"""What a workbook's sheets share: their names, the texts and the number formats of their cells."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from onboarding.files.number_formats import BUILT_IN, MAX_CODE, NumberFormat, number_format
from onboarding.files.xlsx_limits import DamagedError, Handler, Package, TooLargeError

MAX_SHEETS = 200

MAX_STRINGS = 1_500_000
"""Different texts in a workbook; 10,000 rows of 60 columns have 600,000."""

MAX_STYLES = 70_000
"""Styles of cells; Excel has at most 65,490."""

MAX_FORMATS = 1_000
"""Number formats of a workbook's own; Excel has at most 250."""

_LONGEST_ID = 250

SHEETS = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main workbook"
RELATIONSHIP = "http://schemas.openxmlformats.org/officeDocument/2006/relationships id"

# How a workbook writes a character that XML cannot hold. Halves of surrogate pairs are no characters.
_ESCAPED = re.compile(r"_x(?![dD][89a-fA-F])([0-9A-Fa-f]{4})_")


@dataclass(frozen=True, slots=True)
class SheetPart:
    """A sheet's name, its part, and whether it is visible."""

    name: str
    part: str
    is_visible: bool


@dataclass(frozen=True, slots=True)
class Book:
    """A workbook without its cells: sheets, texts, and the number format of each style (None: General)."""

    sheets: Sequence[SheetPart]
    texts: Sequence[str]
    formats: Mapping[str, NumberFormat | None]
    since_1904: bool
    is_strict: bool


def read_book(package: Package) -> Book:
    """Read all that the sheets need."""
    main = next((r.target for r in package.relationships("").values() if r.kind == "officeDocument"), "")
    main = main if main in package else "xl/workbook.xml"
    related = package.relationships(main)
    workbook = _Workbook()
    package.parse(main, workbook)
    parts = {found.kind: found.target for found in related.values() if not found.is_external}
    texts, styles = _Texts(package), _Styles(package)
    if not workbook.is_strict:
        for kind, handler in (("sharedStrings", texts), ("styles", styles)):
            if parts.get(kind, "") in package:
                package.parse(parts[kind], handler)
    sheets = [
        SheetPart(name, related[key].target, state == "visible")
        for name, key, state in workbook.sheets
        if key in related and related[key].kind == "worksheet"
    ]
    return Book(sheets, texts.found, styles.formats(), workbook.since_1904, workbook.is_strict)


def unescaped(text: str) -> str:
    """A text with the characters that XML cannot hold."""
    return _ESCAPED.sub(lambda escaped: chr(int(escaped[1], 16)), text) if "_x" in text else text


class _Workbook(Handler):
    __slots__ = ("is_strict", "sheets", "since_1904")

    def __init__(self) -> None:
        super().__init__()
        self.sheets: list[tuple[str, str, str]] = []
        self.since_1904 = False
        self.is_strict = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if name == f"{SHEETS} sheet":
            sheet = attributes.get("name", "")[:MAX_CODE]
            self.sheets.append(
                (sheet, attributes.get(RELATIONSHIP, "")[:_LONGEST_ID], attributes.get("state", "visible"))
            )
            if len(self.sheets) > MAX_SHEETS:
                raise TooLargeError
        elif name == f"{SHEETS} workbookPr":
            self.since_1904 = attributes.get("date1904", "0") in {"1", "true"}
        elif name == _STRICT:
            self.is_strict = self.is_done = True


class _Texts(Handler):
    """The shared strings: runs of one text joined, without what tells how to read it aloud."""

    __slots__ = ("_is_phonetic", "_package", "_runs", "found")

    _ITEM, _TEXT, _PHONETIC = (f"{SHEETS} {name}" for name in ("si", "t", "rPh"))

    def __init__(self, package: Package) -> None:
        super().__init__()
        self.found: list[str] = []
        self._package = package
        self._runs: list[str] = []
        self._is_phonetic = False

    def start(self, name: str, _: dict[str, str]) -> None:
        self.depth += 1
        if name == self._TEXT:
            self.pieces.clear()
            self.is_in_text = True
        elif name == self._ITEM:
            self._runs = []
        elif name == self._PHONETIC:
            self._is_phonetic = True

    def end(self, name: str) -> None:
        self.depth -= 1
        if name == self._TEXT:
            self.is_in_text = False
            if not self._is_phonetic:
                self._package.keep(sum(map(len, self.pieces)))
                self._runs += self.pieces
        elif name == self._ITEM:
            self.found.append(unescaped("".join(self._runs)))
            if len(self.found) > MAX_STRINGS:
                raise TooLargeError
        elif name == self._PHONETIC:
            self._is_phonetic = False


class _Styles(Handler):
    """The number format of each style."""

    __slots__ = ("_codes", "_ids", "_is_of_cells")

    _CODE, _CELLS, _STYLE = (f"{SHEETS} {name}" for name in ("numFmt", "cellXfs", "xf"))

    def __init__(self, _: Package) -> None:
        super().__init__()
        self._codes: dict[str, str] = {str(number): code for number, code in BUILT_IN.items()}
        self._ids: list[str] = []
        self._is_of_cells = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if name == self._STYLE and self._is_of_cells:
            self._ids.append(attributes.get("numFmtId", "0")[:_LONGEST_ID])
            if len(self._ids) > MAX_STYLES:
                raise TooLargeError
        elif name == self._CODE:
            code = attributes.get("formatCode", "General")
            if len(code) > MAX_CODE:
                raise DamagedError
            self._codes[attributes.get("numFmtId", "0")[:_LONGEST_ID]] = code
            if len(self._codes) > MAX_FORMATS:
                raise TooLargeError
        elif name == self._CELLS:
            self._is_of_cells = True

    def end(self, name: str) -> None:
        self.depth -= 1
        if name == self._CELLS:
            self.is_done = True

    def formats(self) -> dict[str, NumberFormat | None]:
        """The formats by style, as a cell names it."""
        codes = {key: number_format(code) for key, code in self._codes.items() if code and code != "General"}
        return {str(place): codes.get(key) for place, key in enumerate(self._ids)}
