"""A workbook's parts, looked through before anything is built of them: a few KB can unpack to more than memory holds.

All of them, whatever their names: a workbook says itself which part is a sheet.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from xml.parsers.expat import ExpatError, ParserCreate

MAX_UNPACKED = 100 * 1024 * 1024
"""Bytes that all parts may come to."""

MAX_ELEMENTS = 4_000_000
"""Elements of all parts: two million cells, each with its value."""

MAX_AT_ONCE = 300_000
"""Elements that are held at a time, such as all of one row; a full file of ours has 2,000 in its longest."""

MAX_ROWS = 1_048_576
"""Rows of all parts, with the blank ones: where a sheet ends."""

MAX_STRINGS = 500_000
"""Different texts in a workbook; a full file of ours has 140,000."""

MAX_SHEETS = 200

_SHEETS = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_SHEET, _ROW, _FORMULA, _STRING = (f"{_SHEETS} {name}" for name in ("sheet", "row", "f", "si"))
_STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main workbook"
# openpyxl would count up to any number that a row gives itself.
_NUMBER = re.compile(r"[0-9]{1,7}")
_CHUNK = 64 * 1024


class TooLargeError(Exception):
    """The parts have more in them than can be held."""


class ForgedError(Exception):
    """The parts have something in them that no program writes there."""


@dataclass(slots=True)
class Found:
    """What all parts have in them."""

    elements: int = 0
    sheets: int = 0
    rows: int = 0
    strings: int = 0
    formulas: bool = False
    strict: bool = False
    """Whether the workbook is of the other kind of .xlsx, 'Strict Open XML', whose every name is another."""


def look_through(archive: zipfile.ZipFile) -> Found:
    """What the parts have in them; `TooLargeError` or `ForgedError` if they cannot be read."""
    if sum(info.file_size for info in archive.infolist()) > MAX_UNPACKED:
        raise TooLargeError
    found = Found()
    for info in archive.infolist():
        _look_into(archive, info, found)
    return found


def _look_into(archive: zipfile.ZipFile, info: zipfile.ZipInfo, found: Found) -> None:
    parser = ParserCreate(namespace_separator=" ")
    parser.StartElementHandler, parser.EndElementHandler = _handlers(found)
    parser.StartDoctypeDeclHandler = _forged
    with archive.open(info) as part:
        try:
            while chunk := part.read(_CHUNK):
                parser.Parse(chunk)
        except ExpatError:
            # A picture; or damage, which the reading finds too, and no later.
            return


def _forged(*_: object) -> None:
    # A document type makes one character stand for thousands.
    raise ForgedError


def _handlers(found: Found) -> tuple[Callable[[str, dict[str, str]], None], Callable[[str], None]]:
    # As the reading does: of a row or a text nothing is kept but itself, once it ends.
    held = 0
    before: list[int] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal held
        held += 1
        found.elements += 1
        if name == _ROW:
            found.rows += 1
            before.append(held - 1)
            if not _NUMBER.fullmatch(attributes.get("r", "1")):
                raise ForgedError
        elif name == _STRING:
            found.strings += 1
            before.append(held - 1)
        elif name == _FORMULA:
            found.formulas = True
        elif name == _SHEET:
            found.sheets += 1
        elif name == _STRICT:
            found.strict = True
        if (
            held > MAX_AT_ONCE
            or found.elements > MAX_ELEMENTS
            or found.sheets > MAX_SHEETS
            or found.rows > MAX_ROWS
            or found.strings > MAX_STRINGS
        ):
            raise TooLargeError

    def end(name: str) -> None:
        nonlocal held
        if name in (_ROW, _STRING):
            held = before.pop()

    return start, end
