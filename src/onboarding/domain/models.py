"""The nouns: an upload, a row, a row's errors. Plain values without behaviour of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import datetime
from enum import StrEnum


class UploadStatus(StrEnum):
    """Where an upload stands; a column of `upload_history`.

    `completed`: every row is in the catalog. `partial`: some are. `failed`: none is, or the file was refused.
    """

    PROCESSING = "processing"
    COMPLETED = "completed"
    PARTIAL = "partial"
    FAILED = "failed"


class RowStatus(StrEnum):
    """Where a staged row stands; the attribute `status` of an item in `UploadRecords`."""

    PENDING = "pending_validation"
    VALIDATED = "validated"
    ERROR = "error"


class Mode(StrEnum):
    """What an upload may do to the catalog; a column of `upload_history`.

    `create`: every row is a new product. `update`: every row changes a product that is there. `upsert`: either.
    """

    CREATE = "create"
    UPDATE = "update"
    UPSERT = "upsert"


class OnError(StrEnum):
    """What an invalid row means to the others of its file: nothing, or that none of them enters the catalog either."""

    REJECT_ROWS = "reject_rows"
    REJECT_FILE = "reject_file"


class Outcome(StrEnum):
    """What a valid row did to its product."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


_NO_DAMAGE: Mapping[str, str] = {}


# Nobody changes one; but frozen it would take three times as long to make, and there are many.
@dataclass(slots=True)
class Row:
    """One data row as the vendor wrote it.

    `cells` holds the columns that are not blank, stripped of white space around them. `row_number` counts data rows
    from 1. What only the whole file can tell comes along: `duplicate_of` maps `sku` or `vendor_product_id` to where a
    spreadsheet shows the earlier row with the same value, `surplus_fields` says by how many fields the row is longer
    than the header (negative: shorter), `cut` gives the full length of each cell that was too long to be carried whole,
    `unclear` are the columns whose number has a point that may be between thousands, and `decimal_comma` those whose
    numbers have a decimal comma in the file. `damaged` says of an identifier what only its whole column shows
    (`decimals`, `dates`), `many_categories` that the file has so many before this one that no other is suggested.
    `line` is where a spreadsheet shows the row, as long as the row comes from a file.
    """

    upload_id: str
    vendor_id: str
    row_number: int
    cells: Mapping[str, str]
    duplicate_of: dict[str, int] = dataclass_field(default_factory=dict)
    surplus_fields: int = 0
    cut: Mapping[str, int] = dataclass_field(default_factory=dict)
    unclear: tuple[str, ...] = ()
    line: int | None = dataclass_field(default=None, compare=False)
    decimal_comma: tuple[str, ...] = ()
    damaged: Mapping[str, str] = dataclass_field(default_factory=lambda: _NO_DAMAGE)
    many_categories: bool = False


@dataclass(frozen=True, slots=True)
class Product:
    """One product of the catalog: its values by the CSV's columns, as PostgreSQL gives them (None: it has none).

    `later_uploads` are uploads after the row's by the columns that they have already set: the latest for each column.
    """

    product_id: int
    updated_at: datetime
    later_uploads: Mapping[str, str]
    values: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class RowError:
    """One broken rule of one row: its type, the column (or columns) it is about, and a sentence for the vendor.

    Beside the sentence, in parts: the rejected value (blank if there is none), what was expected in its place, and a
    hint at what was probably meant (often blank). The first three say which error it is.
    """

    error_type: str
    field: str
    message: str
    value: str = dataclass_field(default="", compare=False)
    expected: str = dataclass_field(default="", compare=False)
    hint: str = dataclass_field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Upload:
    """One row of `upload_history`, with the vendor's name and address beside it. Times are UTC."""

    upload_id: str
    vendor_id: str
    vendor_name: str
    vendor_email: str
    file_name: str
    s3_key: str
    s3_version_id: str
    file_size_bytes: int
    total_records: int
    valid_records: int
    error_records: int
    status: UploadStatus
    failure_code: str | None
    failure_reason: str | None
    error_file_s3_key: str | None
    upload_timestamp: datetime
    processing_started_at: datetime
    processing_completed_at: datetime | None
    last_progress_at: datetime
    notified_at: datetime | None
    mode: Mode = Mode.CREATE
    on_error: OnError = OnError.REJECT_ROWS
    created_records: int = 0
    updated_records: int = 0
    unchanged_records: int = 0
    fix_file_s3_key: str | None = None
    undone_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class FileRejection:
    """Rejection of a file: a code for programs and a reason for the vendor."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class FileWarning:
    """Warning about a file, or about one of its rows or columns; it changes no data."""

    code: str
    message: str
    row_number: int | None = None
    column: str | None = None


@dataclass(frozen=True, slots=True)
class ReportedRow:
    """An error with the number of its row and the cells that the report shows, by column (None: blank)."""

    row_number: int
    error: RowError
    cells: Mapping[str, str | None]
