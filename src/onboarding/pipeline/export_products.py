"""Exports of products: the use case of exporter, and the recovery of exports without progress by watchdog."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import timedelta
from functools import partial
from tempfile import TemporaryFile
from typing import BinaryIO, TypeVar

import psycopg

from onboarding.aws.attachments import put_attachment
from onboarding.domain.catalog import CatalogProduct
from onboarding.domain.exports import Export, ExportFormat
from onboarding.domain.resource_names import Function
from onboarding.failpoints import Failpoint, failpoint
from onboarding.files.product_export import CsvExport, WorkbookExport
from onboarding.runtime import AppContext
from onboarding.storage import exports
from onboarding.storage.catalog import list_products
from onboarding.storage.categories import list_active_category_names
from onboarding.storage.database import Connection
from onboarding.storage.database_roles import OPERATOR_ROLE
from onboarding.storage.queries import query

Result = TypeVar("Result")

PAGE_SIZE = 2_000
"""Number of products that one transaction reads."""


class ExportsFailed(Exception):
    """Exports were started several times and did not complete; the message names them."""


class _StartedAgain(Exception):
    """The export was started again meanwhile, or has ended: this start must write nothing more."""


def export_products(ctx: AppContext, export_id: str, *, patience: timedelta = exports.PATIENCE) -> Export | None:
    """Write the file of an export into the bucket and complete the export; return it.

    Return None if there is nothing to do: the export is finished, does not exist, or made progress within `patience`.
    Products are read with the rights of the vendor or the operator that requested them. No transaction is open while
    the file is written. After a failure the export can be started again.
    """
    database = ctx.database.acting_as(OPERATOR_ROLE)
    export = database.run(partial(exports.claim_export, export_id=export_id, patience=patience))
    if export is None:
        return None
    try:
        failpoint(Failpoint.EXPORT_CLAIMED)
        with TemporaryFile() as file:
            _write_products(ctx, export, file)
            size = file.seek(0, os.SEEK_END)
            put_attachment(ctx, export.file_key, file, export.file_name)
        failpoint(Failpoint.EXPORT_FILE_WRITTEN)
        _require(ctx, partial(exports.complete_export, export=export, size_bytes=size))
        failpoint(Failpoint.EXPORT_COMPLETED)
    except _StartedAgain:
        return None
    except Exception:
        # For the retry by Lambda; without it the watchdog starts the export again.
        with suppress(psycopg.Error):
            database.run(partial(exports.release_export, export=export))
        raise
    return export


def _write_products(ctx: AppContext, export: Export, file: BinaryIO) -> None:
    """Write the products page by page. Raises _StartedAgain."""
    record_progress = partial(exports.record_progress, export=export)
    written_rows, products = 0, _read_page(ctx, export, None)
    # Closed also after a failure: a workbook has temporary files.
    with closing(_open_writer(ctx, export, file)) as writer:
        while True:
            for product in products:
                writer.write(product)
            written_rows += len(products)
            if len(products) < PAGE_SIZE:
                break
            _require(ctx, partial(record_progress, written_rows=written_rows))
            failpoint(Failpoint.EXPORT_PAGE_WRITTEN)
            products = _read_page(ctx, export, products[-1])
    # Also the last check before the file is written into the bucket.
    _require(ctx, partial(record_progress, written_rows=written_rows))


def _require(ctx: AppContext, record: Callable[[Connection], bool]) -> None:
    """Run `record`, which returns False if the export was started again. Raises _StartedAgain."""
    if not ctx.database.acting_as(OPERATOR_ROLE).run(record):
        raise _StartedAgain


def _open_writer(ctx: AppContext, export: Export, file: BinaryIO) -> CsvExport | WorkbookExport:
    if export.format is ExportFormat.CSV:
        return CsvExport(file, has_vendors=export.has_vendors)
    categories = _run_as_requester(ctx, export, list_active_category_names)
    return WorkbookExport(file, has_vendors=export.has_vendors, categories=categories)


def _read_page(ctx: AppContext, export: Export, last: CatalogProduct | None) -> list[CatalogProduct]:
    """Return the products that follow the last one of the page before."""
    after = None if last is None else (last.vendor_id, str(last.values["vendor_product_id"]))

    def read(connection: Connection) -> list[CatalogProduct]:
        is_vendor = export.vendor_id is not None
        return list_products(connection, export.conditions, is_vendor=is_vendor, after=after, limit=PAGE_SIZE)

    return _run_as_requester(ctx, export, read)


def _run_as_requester(ctx: AppContext, export: Export, work: Callable[[Connection], Result]) -> Result:
    """Run `work` in a transaction that sees what the vendor or the operator that requested the export may see."""
    vendor_id = export.vendor_id
    if vendor_id is None:
        return ctx.database.acting_as(OPERATOR_ROLE).run(work)

    def run_restricted(connection: Connection) -> Result:
        connection.execute(query("restrict_to_vendor"), {"vendor_id": vendor_id})
        return work(connection)

    return ctx.database.run(run_restricted)


def restart_stalled_exports(ctx: AppContext, *, patience: timedelta = exports.PATIENCE) -> list[str]:
    """Start exports without progress for `patience` again, and delete expired ones; return the ids of those started.

    Raises ExportsFailed for those that were started too often: they end, and operators are notified.
    """
    stalled, failed = ctx.database.run(partial(exports.recover_exports, patience=patience))
    for export_id in stalled:
        ctx.start_function(Function.EXPORTER, {"export_id": export_id})
    if failed:
        raise ExportsFailed(f"Not completed: {', '.join(failed)}")
    return stalled
