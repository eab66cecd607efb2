"""Exports of products: pages, rights, repeated events, faults at every failpoint, recovery, memory."""

from __future__ import annotations

import csv
import io
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from onboarding.domain.catalog import ProductFilter
from onboarding.domain.column_types import ProductStatus
from onboarding.domain.exports import MAX_PENDING_EXPORTS, Export, ExportFormat, ExportStatus
from onboarding.failpoints import Failpoint, set_listener
from onboarding.pipeline import export_products as use_case
from onboarding.pipeline.export_products import ExportsFailed, export_products, restart_stalled_exports
from onboarding.runtime import AppContext
from onboarding.storage import exports
from onboarding.storage.audit_log import Actor
from onboarding.storage.database import Connection, Database
from onboarding.storage.errors import InvalidInput, NotFound
from onboarding.storage.exports import MAX_ATTEMPTS, TooManyExports
from onboarding.storage.product_feed import refresh_search
from onboarding.storage.queries import query
from tests.support.postgres_fixtures import fetch, open_upload

NO_PATIENCE = timedelta(0)
FAILPOINTS = [point for point in Failpoint if point.startswith("export.")]

INSERT_PRODUCTS = """
insert into products (
    vendor_id, vendor_product_id, product_name, category, description, sku, price, stock_quantity, upload_id, row_number
)
select %(vendor)s::text, 'P' || n, 'Product ' || n, 'Clothing', repeat('long text ', 20),
    %(vendor)s::text || '-' || n, n, n, %(upload)s::text, n
from generate_series(1, %(count)s) n
"""


class ProcessDied(BaseException):
    """Ends a function like the death of its process: no handler catches it."""


class Bucket:
    """Double of the S3 client: stores objects by key, and counts its calls."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.names: list[str] = []

    def put_object(self, *, Key: str, Body: Any, ContentDisposition: str, **_: object) -> None:  # noqa: N803
        self.objects[Key] = Body.read()
        self.names.append(ContentDisposition)


class Context:
    """Context of the function with a double of S3; `started` are the exports that it started again."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.s3 = Bucket()
        self.settings = SimpleNamespace(bucket="bucket")
        self.started: list[object] = []

    def start_function(self, _: str, event: dict[str, object]) -> None:
        self.started.append(event["export_id"])

    def run(self, export: Export, patience: timedelta = exports.PATIENCE) -> Export | None:
        return export_products(cast("AppContext", self), export.export_id, patience=patience)

    def restart(self, patience: timedelta = exports.PATIENCE) -> list[str]:
        return restart_stalled_exports(cast("AppContext", self), patience=patience)

    def rows(self, export: Export) -> list[dict[str, str]]:
        """Return the rows of the file of a CSV export."""
        text = self.s3.objects[export.file_key].decode("utf-8-sig")
        return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.fixture
def ctx(database: Database) -> Context:
    """Return a context of a catalog with seven products of VEND001 and two of VEND002."""
    fetch(database, "delete from exports returning 1")
    insert_products(database, "VEND001", 7)
    insert_products(database, "VEND002", 2)
    return Context(database)


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(use_case, "PAGE_SIZE", 3)


def insert_products(database: Database, vendor: str, count: int) -> None:
    upload = f"UPLOAD_{vendor}"
    open_upload(database, upload, count, vendor_id=vendor)
    params = {"vendor": vendor, "upload": upload, "count": count}
    database.run(lambda connection: connection.execute(INSERT_PRODUCTS, params))


def request(
    ctx: Context, vendor: str | None = "VEND001", file_format: ExportFormat = ExportFormat.CSV, **conditions: Any
) -> Export:
    def create(connection: Connection) -> Export:
        if vendor is not None:
            connection.execute(query("restrict_to_vendor"), {"vendor_id": vendor})
        return exports.create_export(
            connection,
            Actor(f"vendor:{vendor}"),
            vendor_id=vendor,
            export_format=file_format,
            conditions=ProductFilter(**conditions),
        )

    return ctx.database.run(create)


def get(ctx: Context, export: Export) -> Export:
    return ctx.database.run(lambda connection: exports.get_export(connection, export.vendor_id, export.export_id))


@contextmanager
def fail_at(point: Failpoint, error: BaseException) -> Iterator[None]:
    """Raise an error at the first passage of a failpoint."""

    def listen(passed: Failpoint) -> None:
        if passed is point:
            set_listener(None)
            raise error

    set_listener(listen)
    try:
        yield
    finally:
        set_listener(None)


def test_export_of_a_vendor_has_only_its_products_in_order(ctx: Context) -> None:
    export = request(ctx, vendor_id="VEND002")
    assert export.total_rows == 7, "the condition on another vendor has no effect"
    assert ctx.run(export) is not None
    assert [row["vendor_product_id"] for row in ctx.rows(export)] == [f"P{n}" for n in range(1, 8)]
    completed = get(ctx, export)
    assert (completed.status, completed.written_rows, completed.total_rows) == (ExportStatus.COMPLETED, 7, 7)
    assert completed.size_bytes == len(ctx.s3.objects[export.file_key])
    assert completed.s3_key == f"exports/VEND001/{export.export_id}.csv"
    assert ctx.s3.names == [f'attachment; filename="products_{export.created_at:%Y-%m-%d}.csv"']


def test_export_of_an_operator_has_the_products_of_all_vendors(ctx: Context) -> None:
    export = request(ctx, None)
    ctx.run(export)
    assert [row["vendor_id"] for row in ctx.rows(export)] == ["VEND001"] * 7 + ["VEND002"] * 2
    one_vendor = request(ctx, None, vendor_id="VEND002")
    ctx.run(one_vendor)
    assert [row["sku"] for row in ctx.rows(one_vendor)] == ["VEND002-1", "VEND002-2"]
    assert "vendor_id" not in ctx.rows(one_vendor)[0]
    # The folder cannot be that of a vendor.
    assert export.file_key == f"exports/_marketplace/{export.export_id}.csv"


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ({"search": "vend001 6"}, ["P6"]),
        ({"category": "Books"}, []),
        ({"status": ProductStatus.INACTIVE}, ["P2"]),
        ({"upload_id": "UPLOAD_VEND002"}, []),
    ],
)
def test_export_has_the_products_that_match(ctx: Context, conditions: dict[str, Any], expected: list[str]) -> None:
    fetch(ctx.database, "update products set status = 'inactive' where sku = 'VEND001-2' returning 1")
    refresh_search(ctx.database)
    export = request(ctx, **conditions)
    ctx.run(export)
    assert [row["vendor_product_id"] for row in ctx.rows(export)] == expected
    assert get(ctx, export).total_rows == len(expected)


def test_export_repeated_event_of_a_completed_export_does_nothing(ctx: Context) -> None:
    export = request(ctx)
    assert ctx.run(export)
    completed = get(ctx, export)
    assert ctx.run(export, NO_PATIENCE) is None
    assert get(ctx, export) == completed
    assert len(ctx.s3.names) == 1


def test_export_unknown_event_does_nothing(ctx: Context) -> None:
    assert export_products(cast("AppContext", ctx), "E0") is None
    assert ctx.s3.objects == {}


@pytest.mark.parametrize("file_format", ExportFormat)
@pytest.mark.parametrize("point", FAILPOINTS)
def test_export_process_dies_is_completed_by_the_watchdog(
    ctx: Context, point: Failpoint, file_format: ExportFormat
) -> None:
    export = request(ctx, file_format=file_format)
    with fail_at(point, ProcessDied()), pytest.raises(ProcessDied):
        ctx.run(export)
    is_completed = point is Failpoint.EXPORT_COMPLETED
    # Lambda's retry: the process may still be running.
    assert ctx.run(export) is None
    assert get(ctx, export).is_pending is not is_completed
    assert ctx.restart() == []
    assert ctx.restart(NO_PATIENCE) == ctx.started == ([] if is_completed else [export.export_id])
    assert (ctx.run(export) is None) is is_completed
    completed = get(ctx, export)
    assert (completed.status, completed.written_rows) == (ExportStatus.COMPLETED, 7)
    assert completed.size_bytes == len(ctx.s3.objects[export.file_key])
    assert ctx.restart(NO_PATIENCE) == []


@pytest.mark.parametrize("point", FAILPOINTS)
def test_export_failure_is_completed_by_the_retry_of_lambda(ctx: Context, point: Failpoint) -> None:
    export = request(ctx)
    with fail_at(point, RuntimeError("injected")), pytest.raises(RuntimeError, match="injected"):
        ctx.run(export)
    assert (ctx.run(export) is None) is (point is Failpoint.EXPORT_COMPLETED)
    assert get(ctx, export).status is ExportStatus.COMPLETED
    assert len(ctx.rows(export)) == 7


@pytest.mark.parametrize("point", FAILPOINTS)
def test_export_two_processes_complete_it_once(ctx: Context, point: Failpoint) -> None:
    export = request(ctx)
    results = []

    def start_again(passed: Failpoint) -> None:
        if passed is point:
            set_listener(None)
            fetch(ctx.database, "update exports set last_progress_at = now() - interval '1 hour' returning 1")
            results.append(ctx.run(export))

    set_listener(start_again)
    try:
        results.append(ctx.run(export))
    finally:
        set_listener(None)
    assert sum(result is not None for result in results) == 1
    completed = get(ctx, export)
    assert (completed.status, completed.written_rows) == (ExportStatus.COMPLETED, 7)
    assert completed.size_bytes == len(ctx.s3.objects[export.file_key])


def test_export_always_failing_ends_and_notifies_operators(ctx: Context) -> None:
    export = request(ctx)
    for _ in range(MAX_ATTEMPTS):
        with fail_at(Failpoint.EXPORT_PAGE_WRITTEN, ProcessDied()), pytest.raises(ProcessDied):
            ctx.run(export, NO_PATIENCE)
    with pytest.raises(ExportsFailed, match=export.export_id):
        ctx.restart(NO_PATIENCE)
    assert get(ctx, export).status is ExportStatus.FAILED
    # The failure is reported once, and a late event changes nothing.
    assert ctx.restart(NO_PATIENCE) == []
    assert ctx.run(export, NO_PATIENCE) is None
    assert ctx.s3.objects == {}


def test_export_waiting_for_hours_ends(ctx: Context) -> None:
    export = request(ctx)
    assert ctx.restart(NO_PATIENCE) == [export.export_id], "its event was lost"
    fetch(ctx.database, "update exports set created_at = created_at - interval '7 hours' returning 1")
    with pytest.raises(ExportsFailed):
        ctx.restart(NO_PATIENCE)
    assert get(ctx, export).status is ExportStatus.FAILED


def test_export_expired_is_deleted(ctx: Context) -> None:
    old, new = request(ctx), request(ctx)
    ctx.run(old)
    ctx.run(new)
    fetch(
        ctx.database,
        "update exports set created_at = created_at - interval '8 days 1 hour' where export_id = %s returning 1",
        old.export_id,
    )
    assert ctx.restart() == []
    with pytest.raises(NotFound):
        get(ctx, old)
    assert get(ctx, new).status is ExportStatus.COMPLETED


def test_export_pending_exports_are_limited_by_vendor(ctx: Context) -> None:
    pending = [request(ctx) for _ in range(MAX_PENDING_EXPORTS)]
    with pytest.raises(TooManyExports, match="not finished"):
        request(ctx)
    assert request(ctx, "VEND002")
    ctx.run(pending[0])
    assert request(ctx)


def test_export_too_many_products_are_refused(ctx: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "MAX_EXPORTED_PRODUCTS", 6)
    with pytest.raises(InvalidInput, match="up to 6 products"):
        request(ctx)
    assert request(ctx, category="Books")


# The trace of the memory makes workbooks slow.
@pytest.mark.parametrize(("file_format", "count"), [(ExportFormat.CSV, 20_000), (ExportFormat.XLSX, 6_000)])
def test_export_of_many_products_takes_bounded_memory(
    ctx: Context, monkeypatch: pytest.MonkeyPatch, file_format: ExportFormat, count: int
) -> None:
    monkeypatch.undo()
    insert_products(ctx.database, "VEND003", count)
    export = request(ctx, "VEND003", file_format)
    size = 0

    def put_object(*, Body: Any, **_: object) -> None:  # noqa: N803
        nonlocal size
        while chunk := Body.read(1 << 16):
            size += len(chunk)

    monkeypatch.setattr(ctx.s3, "put_object", put_object)
    tracemalloc.start()
    try:
        ctx.run(export)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert get(ctx, export).written_rows == count
    assert get(ctx, export).size_bytes == size
    # A page of 2,000 products takes 6 MB.
    assert peak < 12e6, f"{peak:,} bytes"
