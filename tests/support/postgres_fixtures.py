"""Rows, uploads and databases for tests."""

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
from onboarding.domain.product_changes import VERSION
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
"""The sample row of the contract, whose compare_at_price is blank."""

ACTOR = Actor("command:test")

EMPTY_CATALOG = ValidationContext(categories={"Computer Accessories"}, taken_skus=set(), taken_ids=set())

UPLOADED_AT = datetime(2024, 12, 21, 10, 30, 45, tzinfo=UTC)


def make_row(row_number: int = 1, /, **changes: Any) -> Row:
    """Return a valid row with these changes of its cells or its other fields. None removes a cell."""
    columns = {*COLUMNS, VERSION}
    cells = {**VALID_CELLS, **{column: text for column, text in changes.items() if column in columns}}
    fields = {name: value for name, value in changes.items() if name not in columns}
    return Row(
        **{
            "upload_id": "UPLOAD_1",
            "vendor_id": "VEND001",
            "row_number": row_number,
            "cells": {column: text for column, text in cells.items() if text is not None},
            **fields,
        }
    )


def product_row(name: str, row_number: int = 1, /, **changes: Any) -> Row:
    """Return a valid row with the SKU `S-<name>` and the vendor product id `P-<name>`, and with these changes."""
    return make_row(row_number, **{"sku": f"S-{name}", "vendor_product_id": f"P-{name}", **changes})


def make_upload(**changes: Any) -> Upload:
    """Return a finished upload of 92 valid and 8 invalid rows, with these changes of its columns."""
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
    """The part of a context that the transaction of a batch needs."""

    database: Database


def context_with(database: Database) -> AppContext:
    return cast("AppContext", ContextWithDatabase(database))


def record_rows(database: Database, *rows: Row) -> BatchResult:
    """Record the outcomes of a batch of rows."""
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
    """Open an upload of `total` rows, as the ingestion does before it stages rows; `changes` are further fields."""
    new = uploads.NewUpload(
        upload_id=upload_id,
        vendor_id=vendor_id,
        file_name=f"{upload_id}.csv",
        s3_key=f"uploads/{vendor_id}/{upload_id}.csv",
        s3_version_id="v1",
        file_size_bytes=1_000,
        upload_timestamp=uploaded_at,
        total_records=total,
        rejection=None,
        **changes,
    )
    assert database.run(lambda connection: uploads.open_upload(connection, new))


def get_upload(database: Database, upload_id: str) -> Upload:
    upload = database.run(lambda connection: uploads.get_upload(connection, upload_id))
    assert upload is not None
    return upload


def counts_of(database: Database, upload_id: str) -> tuple[int, int, int, str]:
    """Return the total, valid and error counts of an upload, and its status."""
    upload = get_upload(database, upload_id)
    return upload.total_records, upload.valid_records, upload.error_records, upload.status.value


def fetch(database: Database, query: str, *parameters: object) -> list[tuple[Any, ...]]:
    return database.run(lambda connection: connection.execute(query, parameters).fetchall())


def list_skus(database: Database) -> list[str]:
    return [sku for (sku,) in fetch(database, "select sku from products order by sku")]


def tuples_of(errors: Sequence[RowError]) -> list[tuple[str, str, str]]:
    """Return the type, field and message of each error."""
    return [(error.error_type, error.field, error.message) for error in errors]


def types_by_row(result: BatchResult) -> dict[tuple[str, int], list[str]]:
    """Return the error types of each row that has an outcome."""
    return {key: [error.error_type for error in errors] for key, errors in result.errors.items()}


@cache
def input_shape(service: str, operation: str) -> Any:
    """Return the parameters of an AWS operation, as botocore describes them."""
    return get_session().get_service_model(service).operation_model(operation).input_shape


def create_database(url: str, name: str) -> str:
    """Create an empty database on the server at `url`, and return its address."""
    with open_connection(url) as connection:
        connection.execute(psycopg.sql.SQL("create database {}").format(psycopg.sql.Identifier(name)))
    return psycopg.conninfo.make_conninfo(url, dbname=name)


@contextmanager
def clean_database(url: str) -> Iterator[Database]:
    """Yield the database at `url` with only the rows that the migrations insert."""
    database = open_database(url)
    try:
        database.run(_restore_seeds)
        yield database
    finally:
        database.close()


def open_database(url: str) -> Database:
    """Return the database at `url`; its connection is opened by the first work unit."""

    def credentials(*, fresh: bool = False) -> dict[str, Any]:
        return {"conninfo": url}

    return Database(credentials)


def _restore_seeds(connection: Connection) -> None:
    tables = ("validation_errors", "product_blocks", "products", "upload_history", "quarantined_objects", "audit_log")
    for table in (*tables, "product_events", "value_mappings", "mapping_versions", "mappings"):
        connection.execute(psycopg.sql.SQL("delete from {}").format(psycopg.sql.Identifier(table)))
    connection.execute("delete from vendors where vendor_id not in ('VEND001', 'VEND002', 'VEND003')")
    connection.execute("update vendors set status = 'active'")
    connection.execute("delete from product_categories where not is_active")
