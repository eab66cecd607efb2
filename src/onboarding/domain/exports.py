"""Exports: files of the products that match conditions, which are deleted after some days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from onboarding.domain.catalog import ProductFilter
from onboarding.domain.column_types import ProductStatus
from onboarding.domain.json_objects import from_json

MAX_EXPORTED_PRODUCTS = 200_000
"""Maximum number of products in an export: its file must be complete within the time limit of the function."""

MAX_PENDING_EXPORTS = 2
"""Maximum number of exports of a vendor, or of an operator, that are not finished."""

FILE_AGE = timedelta(days=7)
"""How long the bucket keeps the file of an export."""

PREFIX = "exports/"
"""Prefix of the files in the bucket, before the vendor's id."""

MARKETPLACE_FOLDER = "_marketplace"
"""Folder of operators' exports; the id of a vendor cannot begin with `_`."""


class ExportFormat(StrEnum):
    """Format of an export: extension of its file, and value of the API."""

    CSV = "csv"
    XLSX = "xlsx"


class ExportStatus(StrEnum):
    """Status of an export; column `status` of `exports`."""

    WAITING = "waiting"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Export:
    """An export. `vendor_id` is the vendor that requested it, None for an operator. Times are UTC.

    `total_rows` is an estimate until it is completed. `attempts` counts its starts.
    """

    export_id: str
    vendor_id: str | None
    format: ExportFormat
    conditions: ProductFilter
    status: ExportStatus
    created_by: str
    created_at: datetime
    completed_at: datetime | None
    attempts: int
    total_rows: int
    written_rows: int
    size_bytes: int | None
    s3_key: str | None

    @property
    def is_pending(self) -> bool:
        """Return whether the export is not finished."""
        return self.status in {ExportStatus.WAITING, ExportStatus.RUNNING}

    @property
    def has_vendors(self) -> bool:
        """Return whether its file may have products of several vendors."""
        return self.conditions.vendor_id is None

    @property
    def expires_at(self) -> datetime | None:
        """Return when its file is deleted; None if it has no file."""
        return self.completed_at + FILE_AGE if self.completed_at is not None and self.s3_key is not None else None

    @property
    def file_key(self) -> str:
        """Return the key that its file has in the bucket once it is completed."""
        return f"{PREFIX}{self.vendor_id or MARKETPLACE_FOLDER}/{self.export_id}.{self.format}"

    @property
    def file_name(self) -> str:
        """Return the name under which a browser saves its file."""
        return f"products_{self.created_at:%Y-%m-%d}.{self.format}"


def parse_filter(values: Mapping[str, str | None]) -> ProductFilter:
    """Return the conditions of a JSON object. Raises ValueError for an unknown status."""
    status = values.get("status")
    return from_json(ProductFilter, {**values, "status": ProductStatus(status) if status is not None else None})
