"""Routes for exports of products: requests, progress and files."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field, StringConstraints

from onboarding.domain.catalog import MAX_SEARCH_LENGTH, ProductFilter
from onboarding.domain.column_types import ProductStatus
from onboarding.domain.exports import FILE_AGE, Export, ExportFormat, ExportStatus
from onboarding.domain.product_schema import MAX_LENGTHS
from onboarding.domain.resource_names import Function
from onboarding.notifications.report_links import REDIRECT_SECONDS
from onboarding.storage import exports, vendors
from onboarding.storage.audit_log import record_action
from onboarding.storage.database import Connection
from onboarding.storage.exports import TooManyExports
from onboarding.storage.input_validation import PLAIN_TEXT
from onboarding.storage.vendors import VENDOR_ID
from onboarding.web.api.uploads import REDIRECT_RESPONSE
from onboarding.web.auth import Principal, Reader
from onboarding.web.database import PoolDep
from onboarding.web.errors import Problem, not_found, problem_responses
from onboarding.web.request_parameters import IdempotencyKey

router = APIRouter(
    prefix="/v1/exports",
    tags=["Exports"],
    responses=problem_responses("unauthenticated", "forbidden", "invalid-request", "bad-request"),
)

MAX_EXPORTS = 50
"""Number of exports in the list; each is deleted after some days."""

ExportId = Annotated[str, Path(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9]+$")]


class ExportFilter(BaseModel):
    """Conditions for products, the same as those of `GET /v1/products`; those that are null match all."""

    search: Annotated[str, StringConstraints(max_length=MAX_SEARCH_LENGTH, pattern=PLAIN_TEXT)] | None = Field(
        None, description="Words of the name, SKU or vendor product ID, or their beginnings"
    )
    category: Annotated[str, StringConstraints(max_length=MAX_LENGTHS["category"], pattern=PLAIN_TEXT)] | None = None
    status: ProductStatus | None = None
    upload_id: Annotated[str, StringConstraints(max_length=50, pattern=r"^[A-Za-z0-9_-]+$")] | None = Field(
        None, description="An upload that created the product or changed it"
    )
    vendor_id: Annotated[str, StringConstraints(pattern=VENDOR_ID)] | None = Field(
        None, description="For operators: only this vendor. Vendors always export only their own products"
    )


class ExportRequest(ExportFilter):
    """The products to export, and the format of the file."""

    format: ExportFormat = ExportFormat.XLSX


class ExportResponse(BaseModel):
    """An export."""

    export_id: str
    format: ExportFormat
    filter: ExportFilter
    status: ExportStatus = Field(
        description="`waiting`, `running`, `completed` with a file, or `failed` by our fault: request it again"
    )
    total_rows: int = Field(description="Products to export; an estimate until it is completed")
    written_rows: int
    size_bytes: int | None
    created_at: datetime
    completed_at: datetime | None
    expires_at: datetime | None = Field(description=f"Time at which the file is deleted, after {FILE_AGE.days} days")


class ExportList(BaseModel):
    """The exports of a vendor, or those of operators."""

    items: list[ExportResponse]


@router.post("", status_code=202, responses=problem_responses("conflict", "not-found", "too-many-requests"))
def create_export(
    body: ExportRequest, principal: Reader, pool: PoolDep, idempotency_key: IdempotencyKey = None
) -> ExportResponse:
    """Export products to a file: follow its progress, then fetch it. An upload of it in mode `update` changes nothing.

    A repeated request with the same `Idempotency-Key` returns the same export.
    """
    conditions = _build_filter(principal, body)

    def work(connection: Connection) -> Export:
        if principal.is_operator and conditions.vendor_id is not None:
            vendors.require_vendor(connection, conditions.vendor_id)
        return exports.create_export(
            connection,
            principal.audit_actor,
            vendor_id=principal.vendor_id,
            export_format=body.format,
            conditions=conditions,
            idempotency_key=idempotency_key,
        )

    try:
        export = principal.run(pool, work)
    except TooManyExports as error:
        raise Problem("too-many-requests", f"{error}.", headers={"Retry-After": "60"}) from error
    if (export.format, export.conditions) != (body.format, conditions):
        raise Problem("conflict", "This Idempotency-Key was used for another export.")
    if export.status is ExportStatus.WAITING:
        pool.ctx.start_function(Function.EXPORTER, {"export_id": export.export_id})
    return export_response(export)


def _build_filter(principal: Principal, body: ExportFilter) -> ProductFilter:
    if principal.vendor_id is not None and body.vendor_id not in {None, principal.vendor_id}:
        raise not_found("vendor")
    return ProductFilter(
        vendor_id=principal.vendor_id or body.vendor_id,
        search=body.search or None,
        category=body.category or None,
        status=body.status,
        upload_id=body.upload_id,
    )


@router.get("")
def list_exports(principal: Reader, pool: PoolDep) -> ExportList:
    """List the last exports, the newest first; for operators, those of operators."""
    items = principal.run(pool, lambda connection: exports.list_exports(connection, principal.vendor_id, MAX_EXPORTS))
    return ExportList(items=[export_response(export) for export in items])


@router.get("/{export_id}", responses=problem_responses("not-found"))
def show_export(export_id: ExportId, principal: Reader, pool: PoolDep) -> ExportResponse:
    """Return an export with its progress."""
    return export_response(
        principal.run(pool, lambda connection: exports.get_export(connection, principal.vendor_id, export_id))
    )


@router.get(
    "/{export_id}/file",
    status_code=303,
    response_class=RedirectResponse,
    responses={**REDIRECT_RESPONSE, **problem_responses("not-found", "conflict", "gone")},
)
def download_export(export_id: ExportId, principal: Reader, pool: PoolDep) -> RedirectResponse:
    """Download the file of a completed export."""

    def work(connection: Connection) -> str:
        export = exports.get_export(connection, principal.vendor_id, export_id)
        if export.s3_key is None or export.expires_at is None:
            raise Problem("conflict", "There is no file: the export is not finished, or it failed.")
        if export.expires_at <= datetime.now(UTC):
            raise Problem("gone", "The file has been deleted. Export the products again.")
        record_action(connection, principal.audit_actor, "fetched_export", export_id, vendor_id=principal.vendor_id)
        return export.s3_key

    params = {"Bucket": pool.settings.bucket, "Key": principal.run(pool, work)}
    url = pool.ctx.s3.generate_presigned_url("get_object", Params=params, ExpiresIn=REDIRECT_SECONDS)
    return RedirectResponse(url, status_code=303)


def export_response(export: Export) -> ExportResponse:
    """Return an export as the API returns it."""
    conditions = export.conditions
    return ExportResponse(
        export_id=export.export_id,
        format=export.format,
        filter=ExportFilter(
            search=conditions.search,
            category=conditions.category,
            status=conditions.status,
            upload_id=conditions.upload_id,
            vendor_id=conditions.vendor_id,
        ),
        status=export.status,
        total_rows=export.total_rows,
        written_rows=export.written_rows,
        size_bytes=export.size_bytes,
        created_at=export.created_at,
        completed_at=export.completed_at,
        expires_at=export.expires_at,
    )
