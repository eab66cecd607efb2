"""Metadata that the sheets of a workbook share: their names, shared strings and number formats."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from onboarding.files.number_formats import BUILT_IN, MAX_FORMAT_CODE, NumberFormat, parse_number_format
from onboarding.files.xlsx_limits import DamagedError, Handler, Package, TooLargeError

MAX_SHEETS = 200
"""Maximum number of sheets."""

MAX_STRINGS = 1_500_000
"""Maximum number of shared strings; 10,000 rows of 60 columns have 600,000."""

MAX_STYLES = 70_000
"""Maximum number of cell styles; Excel has at most 65,490."""

MAX_FORMATS = 1_000
"""Maximum number of number formats; Excel has at most 250 besides the built-in ones."""

_MAX_ID = 250

SPREADSHEET_NS = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main workbook"
RELATIONSHIP_ID = "http://schemas.openxmlformats.org/officeDocument/2006/relationships id"

# Escape for a character that XML cannot represent. Escaped surrogates are not characters and stay unchanged.
_ESCAPED = re.compile(r"_x(?![dD][89a-fA-F])([0-9A-Fa-f]{4})_")


@dataclass(frozen=True, slots=True)
class SheetPart:
    """A sheet: its name, the name of its part, and whether it is visible."""

    name: str
    part: str
    is_visible: bool


@dataclass(frozen=True, slots=True)
class WorkbookMetadata:
    """Sheets, shared strings, and the number format of each style by index (None: General)."""

    sheets: Sequence[SheetPart]
    shared_strings: Sequence[str]
    formats: Mapping[str, NumberFormat | None]
    uses_1904_epoch: bool
    is_strict: bool


def read_metadata(package: Package) -> WorkbookMetadata:
    """Return what the sheets of a workbook share."""
    main = next((r.target for r in package.read_relationships("").values() if r.kind == "officeDocument"), "")
    main = main if main in package else "xl/workbook.xml"
    relationships = package.read_relationships(main)
    workbook = _WorkbookHandler()
    package.parse(main, workbook)
    parts = {item.kind: item.target for item in relationships.values() if not item.is_external}
    shared_strings, styles = _SharedStringsHandler(package), _StylesHandler(package)
    if not workbook.is_strict:
        for kind, handler in (("sharedStrings", shared_strings), ("styles", styles)):
            if parts.get(kind, "") in package:
                package.parse(parts[kind], handler)
    sheets = [
        SheetPart(name, relationships[key].target, state == "visible")
        for name, key, state in workbook.sheets
        if key in relationships and relationships[key].kind == "worksheet"
    ]
    return WorkbookMetadata(
        sheets, shared_strings.strings, styles.formats(), workbook.uses_1904_epoch, workbook.is_strict
    )


def unescape(text: str) -> str:
    """Replace escapes of characters that XML cannot represent."""
    return _ESCAPED.sub(lambda escaped: chr(int(escaped[1], 16)), text) if "_x" in text else text


class _WorkbookHandler(Handler):
    __slots__ = ("is_strict", "sheets", "uses_1904_epoch")

    def __init__(self) -> None:
        super().__init__()
        self.sheets: list[tuple[str, str, str]] = []
        self.uses_1904_epoch = False
        self.is_strict = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if name == f"{SPREADSHEET_NS} sheet":
            sheet = attributes.get("name", "")[:MAX_FORMAT_CODE]
            self.sheets.append(
                (sheet, attributes.get(RELATIONSHIP_ID, "")[:_MAX_ID], attributes.get("state", "visible"))
            )
            if len(self.sheets) > MAX_SHEETS:
                raise TooLargeError
        elif name == f"{SPREADSHEET_NS} workbookPr":
            self.uses_1904_epoch = attributes.get("date1904", "0") in {"1", "true"}
        elif name == _STRICT:
            self.is_strict = self.is_done = True


class _SharedStringsHandler(Handler):
    """Collects the shared strings: the runs of each joined, without phonetic hints."""

    __slots__ = ("_is_phonetic", "_package", "_runs", "strings")

    _ITEM, _TEXT, _PHONETIC = (f"{SPREADSHEET_NS} {name}" for name in ("si", "t", "rPh"))

    def __init__(self, package: Package) -> None:
        super().__init__()
        self.strings: list[str] = []
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
                self._package.count_text(sum(map(len, self.pieces)))
                self._runs += self.pieces
        elif name == self._ITEM:
            self.strings.append(unescape("".join(self._runs)))
            if len(self.strings) > MAX_STRINGS:
                raise TooLargeError
        elif name == self._PHONETIC:
            self._is_phonetic = False


class _StylesHandler(Handler):
    """Collects the number format of each cell style."""

    __slots__ = ("_codes", "_ids", "_is_in_cell_styles")

    _CODE, _CELLS, _STYLE = (f"{SPREADSHEET_NS} {name}" for name in ("numFmt", "cellXfs", "xf"))

    def __init__(self, _: Package) -> None:
        super().__init__()
        self._codes: dict[str, str] = {str(number): code for number, code in BUILT_IN.items()}
        self._ids: list[str] = []
        self._is_in_cell_styles = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if name == self._STYLE and self._is_in_cell_styles:
            self._ids.append(attributes.get("numFmtId", "0")[:_MAX_ID])
            if len(self._ids) > MAX_STYLES:
                raise TooLargeError
        elif name == self._CODE:
            code = attributes.get("formatCode", "General")
            if len(code) > MAX_FORMAT_CODE:
                raise DamagedError
            self._codes[attributes.get("numFmtId", "0")[:_MAX_ID]] = code
            if len(self._codes) > MAX_FORMATS:
                raise TooLargeError
        elif name == self._CELLS:
            self._is_in_cell_styles = True

    def end(self, name: str) -> None:
        self.depth -= 1
        if name == self._CELLS:
            self.is_done = True

    def formats(self) -> dict[str, NumberFormat | None]:
        """Return the number format by style index, as text; None stands for General."""
        codes = {key: parse_number_format(code) for key, code in self._codes.items() if code and code != "General"}
        return {str(index): codes.get(key) for index, key in enumerate(self._ids)}
