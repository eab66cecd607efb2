"""The parts of a workbook, unpacked and parsed within limits: a few KB can unpack to more than memory holds.

Nothing that an archive says of itself is trusted. A part is unpacked and parsed piece by piece, and a limit ends it
before anything is built of what lies behind the limit.
"""

from __future__ import annotations

import io
import posixpath
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import unquote
from xml.parsers.expat import ParserCreate

MAX_PARTS = 10_000
"""Entries of the archive; a workbook of 200 sheets has some hundred."""

MAX_UNPACKED = 100 * 1024 * 1024
"""Bytes that all parts that are read may come to."""

MAX_TAGS = 8_000_000
"""Tags of all parts that are read: two million cells, each with its value."""

MAX_TEXT = 25_000_000
"""Characters of text that are kept; a CSV file has ten million at most."""

MAX_DEPTH = 1_000
"""Elements within each other; a sheet has some ten."""

MAX_RELATIONSHIPS = 70_000
"""Relationships of a part; a sheet of Excel has at most 65,530 hyperlinks."""

_CHUNK = 64 * 1024
_MOST_PENDING = 1024 * 1024
_MOST_PIECES = 128
_HEADER_OF_AN_ENTRY = b"PK\x01\x02"
_PACKED_AS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}


class TooLargeError(Exception):
    """The workbook has more in it than can be held."""


class TooManyColumnsError(TooLargeError):
    """A row has a value to the right of all columns that a file may have."""

    def __init__(self, row: int, column: int) -> None:
        super().__init__()
        self.row = row
        self.column = column


class DamagedError(Exception):
    """The workbook has something in it that no spreadsheet program writes there; a text says what, if it is known."""


class Handler:
    """What a part's elements are given to. `pieces` collects text: a handler empties it where text begins that counts,
    and sets `is_in_text` while it wants to keep it. `is_done` ends the reading early.
    """

    __slots__ = ("depth", "is_done", "is_in_text", "pieces")

    def __init__(self) -> None:
        self.depth = 0
        self.pieces: list[str] = []
        self.is_in_text = False
        self.is_done = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1

    def end(self, name: str) -> None:
        self.depth -= 1

    def check(self, pending: int) -> None:
        """Look after each piece of the part whether too much is pending: bytes, elements within each other, text."""
        if not self.is_in_text:
            self.pieces.clear()
        if pending > _MOST_PENDING or self.depth > MAX_DEPTH or len(self.pieces) > _MOST_PIECES:
            raise TooLargeError


@dataclass(frozen=True, slots=True)
class Relationship:
    """What a part refers to: a kind (`worksheet`), and the name of another part or, if it is external, an address."""

    kind: str
    target: str
    is_external: bool


class Package:
    """An archive whose parts are found by name, in any case and with `/` or `\\` in it."""

    def __init__(self, content: bytes) -> None:
        if content.count(_HEADER_OF_AN_ENTRY) > MAX_PARTS:
            raise TooLargeError
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(content))
        except Exception as error:
            raise DamagedError from error
        self._parts: dict[str, zipfile.ZipInfo | None] = {}
        for info in self._archive.infolist():
            # Of two parts with one name nobody knows which counts.
            self._parts[_key(info.filename)] = None if _key(info.filename) in self._parts else info
        self.is_encrypted = any(info.flag_bits & 1 for info in self._archive.infolist())
        self._unpacked = self._tags = self._kept = 0

    def __contains__(self, name: str) -> bool:
        return _key(name) in self._parts

    def has_folder(self, name: str) -> bool:
        return any(key.startswith(f"{name}/") for key in self._parts)

    def keep(self, characters: int) -> None:
        """Count text that stays in memory."""
        self._kept += characters
        if self._kept > MAX_TEXT:
            raise TooLargeError

    def parse(self, name: str, handler: Handler) -> None:
        """Give a part's elements to a handler. Their names are `namespace name`."""
        parser = ParserCreate(namespace_separator=" ")
        # Expat 2.6 and later puts off what is not complete; we look after each piece at how far it came.
        if hasattr(parser, "SetReparseDeferralEnabled"):
            parser.SetReparseDeferralEnabled(False)
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = _refuse_doctype
        parser.StartElementHandler = handler.start
        parser.EndElementHandler = handler.end
        parser.CharacterDataHandler = handler.pieces.append
        fed = 0
        try:
            for chunk in self._chunks(name):
                parser.Parse(chunk, False)
                if handler.is_done:
                    return
                fed += len(chunk)
                handler.check(pending=fed - parser.CurrentByteIndex)
            parser.Parse(b"", True)
        except (DamagedError, TooLargeError):
            raise
        except Exception as error:
            # Whatever zipfile, zlib and expat raise about bytes that somebody forged.
            raise DamagedError from error

    def relationships(self, name: str) -> Mapping[str, Relationship]:
        """What a part refers to, by id; `""` is the archive itself."""
        folder, file = posixpath.split(name)
        part = posixpath.join(folder, "_rels", f"{file}.rels")
        if part not in self:
            return {}
        handler = _Relationships(self, folder)
        self.parse(part, handler)
        return handler.found

    def _chunks(self, name: str) -> Iterator[bytes]:
        info = self._parts.get(_key(name))
        if info is None or info.compress_type not in _PACKED_AS:
            raise DamagedError
        with self._archive.open(info) as part:
            while chunk := part.read(_CHUNK):
                self._unpacked += len(chunk)
                self._tags += chunk.count(b"<")
                if self._unpacked > MAX_UNPACKED or self._tags > MAX_TAGS:
                    raise TooLargeError
                yield chunk


class _Relationships(Handler):
    __slots__ = ("_folder", "_package", "found")

    def __init__(self, package: Package, folder: str) -> None:
        super().__init__()
        self.found: dict[str, Relationship] = {}
        self._package = package
        self._folder = folder

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if not name.endswith(" Relationship"):
            return
        target, kind = attributes.get("Target", ""), attributes.get("Type", "").rpartition("/")[2]
        self._package.keep(sum(map(len, attributes.values())))
        is_external = attributes.get("TargetMode") == "External"
        if not is_external:
            target = self._part(target.replace("\\", "/"))
        self.found[attributes.get("Id", "")] = Relationship(kind, target, is_external)
        if len(self.found) > MAX_RELATIONSHIPS:
            raise TooLargeError

    def _part(self, target: str) -> str:
        name = posixpath.normpath(posixpath.join("/", self._folder, target)).lstrip("/")
        return name if name in self._package else unquote(name)


def _key(name: str) -> str:
    return name.replace("\\", "/").lstrip("/").casefold()


def _refuse_doctype(*_: object) -> None:
    # A document type makes one character stand for thousands.
    raise DamagedError
