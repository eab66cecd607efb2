"""Rows, uploads and database work for the tests of the core."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, cast

import psycopg
from botocore.session import get_session

from onboarding.domain.models import Row, RowError, Upload, UploadStatus
from onboarding.domain.product_schema import COLUMNS
from onboarding.domain.validation_context import ValidationContext
from onboarding.pipeline.validate import BatchResult, record_outcomes
from onboarding.runtime import AppContext
from onboarding.storage import uploads
from onboarding.storage.audit_log import Actor
from onboarding.storage.database import Connection, Database, open_connection

VALID_CELLS: Mapping[str, str] = {
    "vendor_product_id": "PROD0001",
    "product_name": "Wireless Mouse - Model 651",
    "category": "Computer Accessories",
    "subcategory": "Mice & Keyboards",
    "description": "Ergonomic wireless mouse...",
    "sku": "CA-VEND001-0001",
    "brand": "TechGear",
    "price": "19.99",
    "stock_quantity": "150",
    "unit": "piece",
    "weight_kg": "0.25",
    "dimensions_cm": "12x8x4",
    "image_url": "https://images.example.com/mouse.jpg",
}
"""The sample row of the contract; its compare_at_price is blank."""

ACTOR = Actor("command:test")

EMPTY_CATALOG = ValidationContext(categories={"Computer Accessories"}, taken_skus=set(), taken_ids=set())

UPLOADED_AT = datetime(2024, 12, 21, 10, 30, 45, tzinfo=UTC)


def make_row(row_number: int = 1, /, **changes: Any) -> Row:
    """A good row but for the changes, to its cells or to what else a row holds; a cell of None is left out."""
    cells = {**VALID_CELLS, **{column: text for column, text in changes.items() if column in COLUMNS}}
    rest = {name: value for name, value in changes.items() if name not in COLUMNS}
    return Row(
        **{
            "upload_id": "UPLOAD_1",
            "vendor_id": "VEND001",
            "row_number": row_number,
            "cells": {column: text for column, text in cells.items() if text is not None},
            **rest,
        }
    )


def product_row(name: str, row_number: int = 1, /, **changes: Any) -> Row:
    """A good row whose SKU is `S-<name>` and whose vendor product id is `P-<name>`, but for what is given."""
    return make_row(row_number, **{"sku": f"S-{name}", "vendor_product_id": f"P-{name}", **changes})


def make_upload(**changes: Any) -> Upload:
    """A finished upload, half of it valid, but for the columns given."""
    columns: dict[str, Any] = {
        "upload_id": "UPLOAD_20241221_103045_0a1b2c3d",
        "vendor_id": "VEND001",
        "vendor_name": "TechGear",
        "vendor_email": "contact@techgear.com",
        "file_name": "products.csv",
        "s3_key": "uploads/VEND001/products.csv",
        "s3_version_id": "v1",
        "file_size_bytes": 12_345,
        "total_records": 100,
        "valid_records": 92,
        "error_records": 8,
        "status": UploadStatus.PARTIAL,
        "failure_code": None,
        "failure_reason": None,
        "error_file_s3_key": None,
        "upload_timestamp": UPLOADED_AT,
        "processing_started_at": UPLOADED_AT,
        "processing_completed_at": UPLOADED_AT,
        "last_progress_at": UPLOADED_AT,
        "notified_at": None,
    }
    return Upload(**{**columns, **changes})


@dataclass(frozen=True)
class ContextWithDatabase:
    """All that the transaction of a judgement needs of a context."""

    database: Database


def context_with(database: Database) -> AppContext:
    return cast("AppContext", ContextWithDatabase(database))


def record_rows(database: Database, *rows: Row) -> BatchResult:
    """Decide on a batch of rows."""
    return record_outcomes(context_with(database), rows)


def open_upload(
    database: Database,
    upload_id: str,
    total: int,
    *,
    vendor_id: str = "VEND001",
    uploaded_at: datetime = UPLOADED_AT,
    **changes: Any,
) -> None:
    """Open an upload of `total` rows, as the parser does before it stages the first; `changes` are more columns."""
    new = uploads.NewUpload(
        upload_id=upload_id,
        vendor_id=vendor_id,
        file_name=f"{upload_id}.csv",
        s3_key=f"uploads/{vendor_id}/{upload_id}.csv",
        s3_version_id="v1",
        file_size_bytes=1_000,
        upload_timestamp=uploaded_at,
        total_records=total,
        refusal=None,
        **changes,
    )
    assert database.run(lambda connection: uploads.open_upload(connection, new))


def get_upload(database: Database, upload_id: str) -> Upload:
    found = database.run(lambda connection: uploads.get_upload(connection, upload_id))
    assert found is not None
    return found


def counts_of(database: Database, upload_id: str) -> tuple[int, int, int, str]:
    """Total, valid and error counts of an upload, and its status."""
    upload = get_upload(database, upload_id)
    return upload.total_records, upload.valid_records, upload.error_records, upload.status.value


def fetch(database: Database, query: str, *parameters: object) -> list[tuple[Any, ...]]:
    return database.run(lambda connection: connection.execute(query, parameters).fetchall())


def list_skus(database: Database) -> list[str]:
    return [sku for (sku,) in fetch(database, "select sku from products order by sku")]


def tuples_of(errors: Sequence[RowError]) -> list[tuple[str, str, str]]:
    """Type, field and message of each error."""
    return [(error.error_type, error.field, error.message) for error in errors]


def types_by_row(judgement: BatchResult) -> dict[tuple[str, int], list[str]]:
    """The error types of each judged row."""
    return {key: [error.error_type for error in errors] for key, errors in judgement.errors.items()}


@cache
def input_shape(service: str, operation: str) -> Any:
    """What an AWS operation takes, as the service describes it."""
    return get_session().get_service_model(service).operation_model(operation).input_shape


def create_database(url: str, name: str) -> str:
    """Make an empty database beside the one at `url`; returns its address."""
    with open_connection(url) as connection:
        connection.execute(psycopg.sql.SQL("create database {}").format(psycopg.sql.Identifier(name)))
    return psycopg.conninfo.make_conninfo(url, dbname=name)


@contextmanager
def clean_database(url: str) -> Iterator[Database]:
    """The database at `url` with what the migrations left in it, and no product or upload besides."""
    opened = open_database(url)
    try:
        opened.run(_empty)
        yield opened
    finally:
        opened.close()


def open_database(url: str) -> Database:
    def credentials(*, fresh: bool = False) -> dict[str, Any]:
        return {"conninfo": url}

    return Database(credentials)


def _empty(connection: Connection) -> None:
    """Back to what the migrations left."""
    for table in ("validation_errors", "products", "upload_history", "quarantined_objects", "audit_log"):
        connection.execute(psycopg.sql.SQL("delete from {}").format(psycopg.sql.Identifier(table)))
    connection.execute("delete from vendors where vendor_id not in ('VEND001', 'VEND002', 'VEND003')")
    connection.execute("update vendors set status = 'active'")
    connection.execute("delete from product_categories where not is_active")
