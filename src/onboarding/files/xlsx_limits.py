"""Archive of a workbook, unpacked and parsed within limits.

A few KB can unpack to more than memory holds, and the sizes that an archive states can be wrong. Each part is therefore
unpacked and parsed in chunks, and a limit ends it before the data after the limit is stored.
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
"""Maximum number of entries of the archive; a workbook of 200 sheets has a few hundred."""

MAX_UNPACKED = 100 * 1024 * 1024
"""Maximum unpacked size of all parts that are read, in bytes."""

MAX_TAGS = 8_000_000
"""Maximum number of tags of all parts that are read: enough for two million cells with a value."""

MAX_TEXT = 25_000_000
"""Maximum number of characters of text in memory; a CSV file has at most ten million."""

MAX_DEPTH = 1_000
"""Maximum nesting of elements; a sheet has about ten levels."""

MAX_RELATIONSHIPS = 70_000
"""Maximum number of relationships of a part; a sheet of Excel has at most 65,530 hyperlinks."""

_CHUNK = 64 * 1024
_MAX_PENDING = 1024 * 1024
_MAX_PIECES = 128
_ENTRY_SIGNATURE = b"PK\x01\x02"
_COMPRESSION_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}


class TooLargeError(Exception):
    """The workbook exceeds a limit."""


class TooManyColumnsError(TooLargeError):
    """A row has a value after the last column that a file may have."""

    def __init__(self, row: int, column: int) -> None:
        super().__init__()
        self.row = row
        self.column = column


class DamagedError(Exception):
    """The workbook has content that no spreadsheet program writes; the message describes it if it is known."""


class Handler:
    """Receiver of the elements of a part.

    `pieces` collects character data: subclasses clear it where relevant text starts, and set `is_in_text` while it must
    not be cleared. `is_done` ends parsing early.
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
        """Raise `TooLargeError` after a chunk if too many bytes, levels of elements or pieces of text are pending."""
        if not self.is_in_text:
            self.pieces.clear()
        if pending > _MAX_PENDING or self.depth > MAX_DEPTH or len(self.pieces) > _MAX_PIECES:
            raise TooLargeError


@dataclass(frozen=True, slots=True)
class Relationship:
    """Reference of a part: its kind (`worksheet`) and target, the name of another part or, if external, a URL."""

    kind: str
    target: str
    is_external: bool


class Package:
    """ZIP archive of a workbook; names of parts ignore case, and `\\` equals `/`."""

    def __init__(self, content: bytes) -> None:
        if content.count(_ENTRY_SIGNATURE) > MAX_PARTS:
            raise TooLargeError
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(content))
        except Exception as error:
            raise DamagedError from error
        self._parts: dict[str, zipfile.ZipInfo | None] = {}
        for info in self._archive.infolist():
            # Of two parts with the same name, neither can be preferred: reading them raises `DamagedError`.
            self._parts[_normalize_name(info.filename)] = (
                None if _normalize_name(info.filename) in self._parts else info
            )
        self.is_encrypted = any(info.flag_bits & 1 for info in self._archive.infolist())
        self._unpacked = self._tags = self._characters = 0

    def __contains__(self, name: str) -> bool:
        return _normalize_name(name) in self._parts

    def has_folder(self, name: str) -> bool:
        return any(key.startswith(f"{name}/") for key in self._parts)

    def count_text(self, characters: int) -> None:
        """Count characters that stay in memory; raise `TooLargeError` over the limit."""
        self._characters += characters
        if self._characters > MAX_TEXT:
            raise TooLargeError

    def parse(self, name: str, handler: Handler) -> None:
        """Parse a part and pass its elements to a handler, with names as `namespace name`.

        Raise `TooLargeError` over a limit, and `DamagedError` for any other failure.
        """
        parser = ParserCreate(namespace_separator=" ")
        # Expat 2.6 and later defers incomplete tokens, which would hide the progress that `check` needs.
        if hasattr(parser, "SetReparseDeferralEnabled"):
            parser.SetReparseDeferralEnabled(False)
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = _reject_doctype
        parser.StartElementHandler = handler.start
        parser.EndElementHandler = handler.end
        parser.CharacterDataHandler = handler.pieces.append
        fed_bytes = 0
        try:
            for chunk in self._chunks(name):
                parser.Parse(chunk, False)
                if handler.is_done:
                    return
                fed_bytes += len(chunk)
                handler.check(pending=fed_bytes - parser.CurrentByteIndex)
            parser.Parse(b"", True)
        except (DamagedError, TooLargeError):
            raise
        except Exception as error:
            # zipfile, zlib and expat raise many types of exceptions for forged content.
            raise DamagedError from error

    def read_relationships(self, name: str) -> Mapping[str, Relationship]:
        """Return the relationships of a part by ID; the name `""` stands for the archive."""
        folder, file = posixpath.split(name)
        part = posixpath.join(folder, "_rels", f"{file}.rels")
        if part not in self:
            return {}
        handler = _RelationshipsHandler(self, folder)
        self.parse(part, handler)
        return handler.relationships

    def _chunks(self, name: str) -> Iterator[bytes]:
        info = self._parts.get(_normalize_name(name))
        if info is None or info.compress_type not in _COMPRESSION_METHODS:
            raise DamagedError
        with self._archive.open(info) as part:
            while chunk := part.read(_CHUNK):
                self._unpacked += len(chunk)
                self._tags += chunk.count(b"<")
                if self._unpacked > MAX_UNPACKED or self._tags > MAX_TAGS:
                    raise TooLargeError
                yield chunk


class _RelationshipsHandler(Handler):
    __slots__ = ("_folder", "_package", "relationships")

    def __init__(self, package: Package, folder: str) -> None:
        super().__init__()
        self.relationships: dict[str, Relationship] = {}
        self._package = package
        self._folder = folder

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if not name.endswith(" Relationship"):
            return
        target, kind = attributes.get("Target", ""), attributes.get("Type", "").rpartition("/")[2]
        self._package.count_text(sum(map(len, attributes.values())))
        is_external = attributes.get("TargetMode") == "External"
        if not is_external:
            target = self._resolve(target.replace("\\", "/"))
        self.relationships[attributes.get("Id", "")] = Relationship(kind, target, is_external)
        if len(self.relationships) > MAX_RELATIONSHIPS:
            raise TooLargeError

    def _resolve(self, target: str) -> str:
        name = posixpath.normpath(posixpath.join("/", self._folder, target)).lstrip("/")
        return name if name in self._package else unquote(name)


def _normalize_name(name: str) -> str:
    return name.replace("\\", "/").lstrip("/").casefold()


def _reject_doctype(*_: object) -> None:
    # Entities of a document type can expand one character to thousands.
    raise DamagedError
