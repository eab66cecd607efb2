"""Data model: uploads, rows, products, row errors, file rejections and warnings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import datetime
from enum import StrEnum

from onboarding.domain.mappings import FileHeader


class UploadStatus(StrEnum):
    """Status of an upload; column `status` of `upload_history`.

    `processing`: rows are still validated. `completed`: all rows were accepted. `partial`: some rows were accepted.
    `failed`: no row was accepted, or the file was rejected.
    """

    PROCESSING = "processing"
    COMPLETED = "completed"
    PARTIAL = "partial"
    FAILED = "failed"


class RowStatus(StrEnum):
    """Status of a staged row; attribute `status` of an item in `UploadRecords`."""

    PENDING = "pending_validation"
    VALIDATED = "validated"
    ERROR = "error"


class Mode(StrEnum):
    """Effect of an upload on the catalog; column `mode` of `upload_history`.

    `create`: every row creates a product. `update`: every row changes an existing product. `upsert`: a row changes the
    product if it exists, and otherwise creates it.
    """

    CREATE = "create"
    UPDATE = "update"
    UPSERT = "upsert"


class OnError(StrEnum):
    """Handling of a file with invalid rows; column `on_error` of `upload_history`.

    `reject_rows`: the valid rows are accepted. `reject_file`: no row is accepted.
    """

    REJECT_ROWS = "reject_rows"
    REJECT_FILE = "reject_file"


class Outcome(StrEnum):
    """Effect of a valid row on its product."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


_NO_DAMAGE: Mapping[str, str] = {}
_NO_ORIGINAL: Mapping[str, str] = {}
_NO_FACTORS: Mapping[str, str] = {}


# Not frozen: a frozen dataclass takes three times as long to create, and files have many rows.
@dataclass(slots=True)
class Row:
    """Row of a product file, with the results of the checks that need the whole file.

    - `row_number` counts data rows from 1; `line` is the row's number in a spreadsheet (None: not read from a file).
    - `cells` maps columns to their values, without surrounding white space and without blank values.
    - `duplicate_of` maps `sku` and `vendor_product_id` to the line of an earlier row with the same value.
    - `surplus_fields` is the number of fields beyond those of the header; negative if fields are missing.
    - `cut` maps columns to the full length, in characters, of values that were truncated.
    - `unclear` lists number columns whose point may be a decimal point or a thousands separator.
    - `decimal_comma` lists number columns that are written with a decimal comma in the file.
    - `damaged` maps identifier columns to damage that only the whole column shows (`COLUMN_DAMAGE`).
    - `original` has the values as they are in the file, of the columns whose values a mapping changed.
    - `number_factors` maps number columns to the factor of their notation in the mapping, if it is not 1.
    - `many_categories`: the file has so many different categories before this row that none is suggested for it.
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
    original: Mapping[str, str] = dataclass_field(default_factory=lambda: _NO_ORIGINAL)
    number_factors: Mapping[str, str] = dataclass_field(default_factory=lambda: _NO_FACTORS)

    @property
    def cells_in_file(self) -> Mapping[str, str]:
        """Return the cells with the values as they are in the file."""
        return {**self.cells, **self.original} if self.original else self.cells


@dataclass(frozen=True, slots=True)
class Product:
    """Product in the catalog that a row may change.

    `values` maps the columns of the product schema to the values from PostgreSQL (None: no value). `later_uploads` maps
    each column that later uploads have set to the latest of these uploads.
    """

    product_id: int
    updated_at: datetime
    later_uploads: Mapping[str, str]
    values: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class RowError:
    """Violation of a validation rule by a row.

    `error_type` is a `RowErrorCode`, `field` the column (or several, separated by commas), `message` a sentence for the
    vendor. `value` is the rejected value, `expected` describes a valid one, and `hint` suggests a correction; each may
    be blank. Two errors are equal if type, field and message are equal.
    """

    error_type: str
    field: str
    message: str
    value: str = dataclass_field(default="", compare=False)
    expected: str = dataclass_field(default="", compare=False)
    hint: str = dataclass_field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Upload:
    """Row of `upload_history` with the vendor's name and e-mail address. Times are UTC.

    `parent_upload_id` and `parent_file_name` are those of the upload whose rejected rows this one corrects.
    `fixed_records` counts the rejected rows that other uploads have accepted since.
    """

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
    parent_upload_id: str | None = None
    parent_file_name: str | None = None
    fixed_records: int = 0


@dataclass(frozen=True, slots=True)
class FileRejection:
    """Rejection of a file: a `RejectionCode` and the reason as a sentence for the vendor.

    `headers` describes the headers of a file that is rejected for them, and `mapping_reference` names its mapping.
    """

    code: str
    reason: str
    headers: Sequence[FileHeader] = dataclass_field(default=(), compare=False)
    mapping_reference: str = dataclass_field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class FileWarning:
    """Warning about a file, or about one of its rows or columns: a `WarningCode` and a sentence for the vendor."""

    code: str
    message: str
    row_number: int | None = None
    column: str | None = None


@dataclass(frozen=True, slots=True)
class ReportedRow:
    """Error with the number of its row and the values that the error report shows, by column (None: blank)."""

    row_number: int
    error: RowError
    cells: Mapping[str, str | None]
