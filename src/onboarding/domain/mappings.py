"""Mappings: how a vendor's own headers and values translate to our columns and values.

A mapping document is data without code: a target for each header, a number format, constants for columns that a file
lacks, values to fill down, and translated values. `files` applies it to a file.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256

from onboarding.domain.column_types import ColumnType, ProductStatus
from onboarding.domain.mapped_numbers import (
    DECIMAL_SIGNS,
    FACTORS,
    MAX_REMOVED_TEXT,
    THOUSANDS_SEPARATORS,
    MappedNumberFormat,
    is_removable,
)
from onboarding.domain.product_schema import CHOICES, COLUMNS, IDENTIFIERS, MAX_LENGTHS, NUMBER_COLUMNS, columns_of_type

MAX_HEADER_LENGTH = 101
"""Maximum length of a header in characters: longer names are cut to 100 characters and an ellipsis."""

MAX_HEADERS = 1_000
MAX_VALUES = 1_000
"""Maximum number of values that one document translates."""

MAX_VALUE_LENGTH = 200
MAX_CHARACTERS = 100_000
"""Maximum number of characters of a document as JSON: all mappings of a vendor are loaded for each file."""


NO_MAPPING = "none"
"""Name that switches mappings off for an upload."""

VALUE_COLUMNS = columns_of_type(ColumnType.CATEGORY, ColumnType.STATUS)
"""Columns with a closed list of values, to which a mapping may translate others."""

REMEMBERED_COLUMNS = columns_of_type(ColumnType.CATEGORY)
"""Those of them whose translations may apply to all files of a vendor, as value mappings. Translations of the others
belong to the mapping of a file: `0` or `hidden` may mean something else in the files of another system."""


class InvalidMapping(Exception):
    """A mapping document violates a rule; the message is a sentence that names it."""


@lru_cache(8_192)
def normalize_key(text: str) -> str:
    """Return the form in which headers, and values, are compared: without regard to case and spaces."""
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def compute_fingerprint(names: Iterable[str]) -> str:
    """Return the hash of a file's headers, in hexadecimal digits, without regard to their order."""
    keys = sorted({key for name in names if (key := normalize_key(name))})
    return sha256("\n".join(keys).encode()).hexdigest()


class HeaderSource(StrEnum):
    """Reason for the column of a header.

    `mapping`: a confirmed mapping. `name`: the column's own name. `synonym`: a known synonym. `unknown`: no column.
    """

    MAPPING = "mapping"
    NAME = "name"
    SYNONYM = "synonym"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class FileHeader:
    """A header of a file: its columns, the reason for them, and its first different values, which may be none."""

    name: str
    columns: tuple[str, ...]
    source: HeaderSource
    samples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HeaderMapping:
    """Target of a header: its columns (none: the header is ignored), and the format of its numbers."""

    columns: tuple[str, ...]
    number_format: MappedNumberFormat | None = None

    @property
    def feeds_only_numbers(self) -> bool:
        """Return whether all columns are columns of numbers."""
        return NUMBER_COLUMNS.keys() >= set(self.columns)

    @property
    def ordered_columns(self) -> list[str]:
        """Return the columns, identifiers first: cells of a workbook are read as text for the first one."""
        return sorted(self.columns, key=lambda column: column not in IDENTIFIERS)


@dataclass(frozen=True, slots=True)
class FillDown:
    """Headers whose blank cells take the value of the first row of their group, such as the variants of a product.

    The rows of a group have the same value under `group_header`. A later row of a group that has no value of its own,
    except under these headers and those of images, is not a product. With `key_header`, a row with a blank group begins
    the group of its value under this header; it is not a product if other rows of the group follow and it has no
    numbers.
    """

    group_header: str
    headers: tuple[str, ...]
    key_header: str = ""


@dataclass(frozen=True, slots=True)
class MappingDocument:
    """A mapping: the target of each header, constants by column, values to fill down, and translations of values.

    `first_address` lists headers whose cells may have several web addresses, of which the first is used. `values` maps
    a column to translations: the vendor's value to a value of the list. Headers and values are compared by
    `normalize_key`.
    """

    columns: Mapping[str, HeaderMapping] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    fill_down: FillDown | None = None
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    first_address: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raise InvalidMapping if the document violates a rule."""
        if len(self.columns) > MAX_HEADERS:
            raise InvalidMapping(f"A mapping has at most {MAX_HEADERS:,} headers")
        require_different("header", self.columns)
        headers_by_column: dict[str, str] = {}
        for header, target in self.columns.items():
            _validate_header(header)
            # A cell of a workbook is read as a number or as text, not as both.
            if not target.feeds_only_numbers and not NUMBER_COLUMNS.keys().isdisjoint(target.columns):
                raise InvalidMapping(f"'{header}' cannot feed columns of numbers and other columns")
            for column in target.columns:
                _require_column(column)
                if column in headers_by_column:
                    raise InvalidMapping(
                        f"Two headers cannot feed one column: '{headers_by_column[column]}' and '{header}' are both "
                        f"mapped to {column}"
                    )
                headers_by_column[column] = header
            if target.number_format is not None:
                _validate_number_format(header, target)
        for column, text in self.constants.items():
            _require_column(column)
            if column in headers_by_column:
                raise InvalidMapping(f"{column} has a constant and the header '{headers_by_column[column]}'")
            _validate_constant(column, text)
        if self.fill_down is not None:
            _validate_fill_down(self.fill_down)
        _validate_values(self.values)
        for header in self.first_address:
            _validate_header(header)
        if len(self.first_address) > MAX_HEADERS:
            raise InvalidMapping(f"first_address has at most {MAX_HEADERS:,} headers")

    def without_remembered_values(self) -> MappingDocument:
        """Return the document without the translations that are stored as value mappings."""
        values = {column: texts for column, texts in self.values.items() if column not in REMEMBERED_COLUMNS}
        return replace(self, values=values)

    def list_targets(self, names: Iterable[str]) -> list[HeaderMapping | None]:
        """Return the target of each header of a file; None if the document does not have it."""
        targets = {normalize_key(header): target for header, target in self.columns.items()}
        return [targets.get(normalize_key(name)) for name in names]


def require_different(label: str, texts: Iterable[str]) -> None:
    """Raise InvalidMapping if two texts are equal without regard to case and spaces; `label` says what they are."""
    by_key: dict[str, str] = {}
    for text in texts:
        if (other := by_key.setdefault(normalize_key(text), text)) != text:
            raise InvalidMapping(f"'{other}' and '{text}' are the same {label}")


def _require_column(column: str) -> None:
    if column not in COLUMNS:
        raise InvalidMapping(f"'{column[:100]}' is not a column; the columns are {', '.join(COLUMNS)}")


def _validate_header(header: str) -> None:
    if not header.strip() or len(header) > MAX_HEADER_LENGTH or "\0" in header:
        raise InvalidMapping(f"A header has 1 to {MAX_HEADER_LENGTH - 1} characters")


def _validate_number_format(header: str, target: HeaderMapping) -> None:
    number_format = target.number_format
    assert number_format is not None, "the caller checks it"  # noqa: S101
    if not set(target.columns) & NUMBER_COLUMNS.keys():
        raise InvalidMapping(f"'{header}' has a number format but feeds no column of numbers")
    for name, text, choices in (
        ("decimal_sign", number_format.decimal_sign, DECIMAL_SIGNS),
        ("thousands_separator", number_format.thousands_separator, THOUSANDS_SEPARATORS),
        ("factor", number_format.factor, FACTORS),
    ):
        if text not in choices:
            quoted_choices = ", ".join(f"'{choice}'" for choice in choices)
            raise InvalidMapping(f"The {name} of '{header}' must be one of {quoted_choices}")
    if number_format.decimal_sign == number_format.thousands_separator:
        raise InvalidMapping(f"The decimal sign and the thousands separator of '{header}' must be different")
    if not is_removable(number_format.remove):
        raise InvalidMapping(
            f"The text to remove from the numbers of '{header}' must be a currency or unit of up to {MAX_REMOVED_TEXT} "
            "characters, without digits, signs and multiples such as k"
        )


def _validate_constant(column: str, text: str) -> None:
    if column in NUMBER_COLUMNS:
        if not NUMBER_COLUMNS[column].accepts(text):
            raise InvalidMapping(f"The constant of {column} must be {NUMBER_COLUMNS[column].expected}")
    elif column in CHOICES:
        if text not in CHOICES[column]:
            raise InvalidMapping(f"The constant of {column} must be {' or '.join(CHOICES[column])}")
    elif not text.strip() or len(text) > MAX_LENGTHS[column] or not text.isprintable():
        raise InvalidMapping(f"The constant of {column} must be text of 1 to {MAX_LENGTHS[column]:,} characters")


def _validate_fill_down(fill_down: FillDown) -> None:
    for header in (fill_down.group_header, *fill_down.headers, *filter(None, [fill_down.key_header])):
        _validate_header(header)
    if len(fill_down.headers) > MAX_HEADERS:
        raise InvalidMapping(f"fill_down has at most {MAX_HEADERS:,} headers")
    if not fill_down.headers or normalize_key(fill_down.group_header) in map(normalize_key, fill_down.headers):
        raise InvalidMapping("fill_down needs headers to fill, and the group header is not one of them")


def _validate_values(values: Mapping[str, Mapping[str, str]]) -> None:
    if sum(map(len, values.values())) > MAX_VALUES:
        raise InvalidMapping(f"A mapping translates at most {MAX_VALUES:,} values")
    for column, translations in values.items():
        if column not in VALUE_COLUMNS:
            raise InvalidMapping(f"Values can be mapped for {', '.join(VALUE_COLUMNS)}, and not for '{column[:100]}'")
        require_different("value", translations)
        for own_value, target in translations.items():
            validate_value(column, own_value, target)


def validate_value(column: str, own_value: str, target: str) -> None:
    """Raise InvalidMapping if a translation of a value of `column` violates a rule; the target may not exist."""
    if not own_value.strip() or len(own_value) > MAX_VALUE_LENGTH or not own_value.isprintable():
        raise InvalidMapping(f"A value has 1 to {MAX_VALUE_LENGTH} characters, without control characters")
    if column in CHOICES:
        _validate_choice(column, own_value, target)
    elif not target.strip() or len(target) > MAX_LENGTHS[column] or not target.isprintable():
        raise InvalidMapping(f"'{own_value}' must be mapped to a {column} of 1 to {MAX_LENGTHS[column]} characters")


def _validate_choice(column: str, own_value: str, target: str) -> None:
    """Raise InvalidMapping if a column with a fixed list of values lacks the target, or has the value itself."""
    if target not in CHOICES[column]:
        raise InvalidMapping(f"'{own_value}' must be mapped to {' or '.join(CHOICES[column])}")
    if normalize_key(own_value) in tuple(ProductStatus) and normalize_key(own_value) != target:
        raise InvalidMapping(f"'{own_value}' is a {column} itself, so it cannot be mapped to another one")


@dataclass(frozen=True, slots=True)
class SavedMapping:
    """A version of a stored mapping. Without a name, it belongs to a single upload and is not remembered."""

    mapping_id: str
    version: int
    document: MappingDocument
    name: str | None = None
    header_fingerprint: str | None = None

    @property
    def reference(self) -> str:
        """Return the mapping and its version in the form of upload options and fix files, such as `M1a2b3c/2`."""
        return f"{self.mapping_id}/{self.version}"


@dataclass(frozen=True, slots=True)
class MappingChoice:
    """Mappings for a file: `fixed` applies in any case, otherwise the one of `by_headers` with exactly its headers.

    `follows_fix_file`: a fix file names the mapping of its upload, which applies if there is no fixed one.
    """

    fixed: SavedMapping | None = None
    by_headers: Sequence[SavedMapping] = ()
    follows_fix_file: bool = False


NO_CHOICE = MappingChoice()
"""No mapping applies."""


@dataclass(frozen=True, slots=True)
class UsedValue:
    """A value mapping that a file used: the vendor's value, its target, and the number of rows with it."""

    column: str
    vendor_value: str
    target: str
    rows: int
