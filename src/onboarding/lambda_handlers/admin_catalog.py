"""Actions of the function `admin` on the catalog: products, their history, and exports, as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any

from onboarding.domain.catalog import CatalogProduct, ProductEvent, ProductEventType, ProductFilter
from onboarding.domain.exports import Export, ExportFormat, parse_filter
from onboarding.files.models import FileDetails
from onboarding.storage import catalog, exports, file_details, uploads, vendors
from onboarding.storage.audit_log import Actor
from onboarding.storage.database import Connection
from onboarding.storage.errors import NotFound

Response = dict[str, Any]


def list_products(
    connection: Connection,
    *,
    conditions: Mapping[str, str | None],
    after: tuple[str, str] | None = None,
    limit: int = 100,
) -> Response:
    """List products in the order of vendors and their ids. `after` is the vendor and id of the last one before."""
    products = catalog.list_products(
        connection,
        _parse_conditions(connection, conditions),
        is_vendor=False,
        after=after and (after[0], after[1]),
        limit=limit,
    )
    return {"products": [_product_as_json(product) for product in products]}


def show_product(connection: Connection, *, product_id: int) -> Response:
    """Return a product."""
    product = catalog.get_product(connection, product_id)
    details = file_details.get_file_details(connection, product.upload_id)
    spreadsheet_row = _get_spreadsheet_row(product.row_number, details)
    return {"product": _product_as_json(product), "spreadsheet_row": spreadsheet_row}


def list_product_history(connection: Connection, *, product_id: int) -> Response:
    """List the events of a product, newest first."""
    catalog.get_product(connection, product_id)
    events = catalog.list_history(connection, product_id)
    details = file_details.list_file_details(connection, {event.upload_id for event in events if event.upload_id})
    return {"events": [_event_as_json(event, details.get(event.upload_id or "")) for event in events]}


def create_export(
    connection: Connection, actor: Actor, *, file_format: str, conditions: Mapping[str, str | None]
) -> Response:
    """Create an export; the caller starts the function `exporter`."""
    export = exports.create_export(
        connection,
        actor,
        vendor_id=None,
        export_format=ExportFormat(file_format),
        conditions=_parse_conditions(connection, conditions),
    )
    return {"export": _export_as_json(export)}


def show_export(connection: Connection, *, export_id: str) -> Response:
    """Return an export with its progress."""
    return {"export": _export_as_json(exports.get_export(connection, None, export_id))}


def _parse_conditions(connection: Connection, conditions: Mapping[str, str | None]) -> ProductFilter:
    """Return the conditions. Raises NotFound for an unknown vendor or upload."""
    product_filter = parse_filter(conditions)
    if product_filter.vendor_id is not None:
        vendors.require_vendor(connection, product_filter.vendor_id)
    if product_filter.upload_id is not None and uploads.get_upload(connection, product_filter.upload_id) is None:
        raise NotFound(f"There is no upload {product_filter.upload_id}")
    return product_filter


def _product_as_json(product: CatalogProduct) -> Response:
    fields = {**asdict(product), "version": product.version}
    values = fields.pop("values")
    return {name: _value_as_json(value) for name, value in {**fields, **values}.items()}


def _event_as_json(event: ProductEvent, details: FileDetails | None) -> Response:
    fields = asdict(event) | {"spreadsheet_row": _get_spreadsheet_row(event.row_number, details)}
    if event.event_type is ProductEventType.UNBLOCKED:
        fields["reason"] = None
    return {name: _value_as_json(value) for name, value in fields.items()}


def _get_spreadsheet_row(row_number: int | None, details: FileDetails | None) -> int | None:
    return details.line_of(row_number) if row_number is not None and details is not None else row_number


def _export_as_json(export: Export) -> Response:
    names = ("export_id", "status", "total_rows", "written_rows", "size_bytes", "s3_key")
    return {name: getattr(export, name) for name in names}


def _value_as_json(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value
