"""Catalog: products with their status and history, and the conditions by which they are listed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from onboarding.domain.column_types import ProductStatus
from onboarding.domain.product_changes import format_version

MAX_SEARCH_LENGTH = 200
MAX_BEGINNINGS = 8
"""Number of words of a search that may be beginnings of words; the others must be whole words, which cost less."""

SEPARATORS = (
    """-_./\\@:+#&'"()[]{}<>=,;|*!?%~^`"""
    "\u2010\u2013\u2014\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb\u00b7\u2022\u00d7\u00ae\u00a9\u00b0"
)
"""Characters that separate words, besides spaces: those of the function `search_text` of the database."""

# As in the function `search_text`.
_CHARACTERS = {"\0": " "} | dict.fromkeys(SEPARATORS, " ") | dict(zip("øØłŁđĐı", "oOlLdDi", strict=True))
_CHARACTER_TABLE = str.maketrans(_CHARACTERS | {"ß": "ss", "ẞ": "ss"})
_ACCENT = re.compile("[\u0300-\u036f]")


@dataclass(frozen=True, slots=True)
class ProductFilter:
    """Conditions for products; None matches all.

    `search` has words of the name, SKU and vendor product ID, or their beginnings. `upload_id` is an upload that
    created the product or changed it.
    """

    vendor_id: str | None = None
    search: str | None = None
    category: str | None = None
    status: ProductStatus | None = None
    upload_id: str | None = None


def build_word_query(search: str | None) -> str | None:
    """Return a search as a query of PostgreSQL; None if it is blank, and a query without words if it has only symbols.

    The parts of a word such as `CA-0001` must follow one another: `lamp CA-0001` is `'lamp':* & 'CA' <-> '0001':*`.
    """
    if not (search or "").strip():
        return None
    words = filter(None, (_fold(word).split() for word in (search or "").split()))
    phrases = (" <-> ".join(f"'{part}'" for part in parts) for parts in words)
    return " & ".join(f"{phrase}:*" if n < MAX_BEGINNINGS else phrase for n, phrase in enumerate(phrases))


def _fold(text: str) -> str:
    """Return a text without accents, with spaces for separators."""
    # A trade mark would become letters of the word before it.
    normalized = unicodedata.normalize("NFKD", text.replace("\u2122", " "))
    return _ACCENT.sub("", normalized).translate(_CHARACTER_TABLE)


@dataclass(frozen=True, slots=True)
class CatalogProduct:
    """A product of the catalog. `values` maps the columns of the product schema to their values (None: no value).

    `upload_id` and `row_number` name the row that created it; `block_reason` is set while it is blocked. Times are UTC.
    """

    product_id: int
    vendor_id: str
    vendor_name: str
    upload_id: str
    row_number: int
    created_at: datetime
    updated_at: datetime
    block_reason: str | None
    values: Mapping[str, object]

    @property
    def version(self) -> str:
        """Return a text that changes with every change of the product."""
        return format_version(self.updated_at)


class ProductEventType(StrEnum):
    """Type of an entry in the history of a product."""

    CREATED = "created"
    UPDATED = "updated"
    UNDONE = "undone"
    BLOCKED = "blocked"
    UNBLOCKED = "unblocked"


@dataclass(frozen=True, slots=True)
class ValueChange:
    """A column with its values before and after a change, as text (None: no value)."""

    column: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class ProductEvent:
    """An entry in the history of a product.

    `upload_id`, `file_name` and `row_number` name the row that caused it, `upload_rows` is the number of rows of that
    upload; None for a block. `actor` is the principal (see `Actor`), None for a file that was put into the bucket.
    `is_undone`: the upload was undone since. `reason` is that of a block.
    """

    event_type: ProductEventType
    at: datetime
    actor: str | None
    upload_id: str | None = None
    file_name: str | None = None
    row_number: int | None = None
    upload_rows: int | None = None
    changes: Sequence[ValueChange] = ()
    is_undone: bool = False
    reason: str | None = None
