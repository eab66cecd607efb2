"""Routes for the catalog: search, history, edits, status, and blocks by operators."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from onboarding.domain.catalog import MAX_SEARCH_LENGTH, ProductFilter
from onboarding.domain.column_types import ProductStatus
from onboarding.domain.product_schema import MAX_LENGTHS
from onboarding.storage.input_validation import PLAIN_TEXT
from onboarding.web.auth import OperatorAdmin, ProductReader, Writer
from onboarding.web.database import PoolDep
from onboarding.web.errors import problem_responses
from onboarding.web.pagination import LongCursor, Page
from onboarding.web.product_queries import MAX_COUNT, Catalog
from onboarding.web.product_schemas import (
    BlockRequest,
    CatalogProductResponse,
    EditResponse,
    ProductCount,
    ProductEditRequest,
    ProductHistory,
    ProductStatusRequest,
)
from onboarding.web.request_parameters import IdempotencyKey, ProductId, VendorFilter

router = APIRouter(
    prefix="/v1/products",
    tags=["Products"],
    responses=problem_responses("unauthenticated", "forbidden", "invalid-request", "bad-request"),
)
operator_router = APIRouter(
    prefix="/v1/operator/products/{product_id}",
    tags=["Operators"],
    responses=problem_responses("unauthenticated", "forbidden", "not-found", "invalid-request", "bad-request"),
)
NOT_FOUND = problem_responses("not-found")
EDIT_PROBLEMS = problem_responses(
    "forbidden", "account-suspended", "not-found", "conflict", "invalid-request", "invalid-rows", "unavailable"
)

Search = Annotated[
    str | None,
    Query(
        max_length=MAX_SEARCH_LENGTH,
        pattern=PLAIN_TEXT,
        description="Words of the name, SKU and vendor product ID, or their beginnings; all must occur",
    ),
]
PageLimit = Annotated[int, Query(ge=1, le=200, description="Maximum number of results")]
"""Fewer than of other lists: a function returns at most 6 MB."""

Category = Annotated[str | None, Query(max_length=MAX_LENGTHS["category"], pattern=PLAIN_TEXT)]
UploadFilter = Annotated[
    str | None,
    Query(max_length=50, pattern=r"^[A-Za-z0-9_-]+$", description="Only products that this upload created or changed"),
]


@router.get("")
def list_products(
    principal: ProductReader,
    pool: PoolDep,
    *,
    search: Search = None,
    category: Category = None,
    status: ProductStatus | None = None,
    upload_id: UploadFilter = None,
    vendor_id: VendorFilter = None,
    cursor: LongCursor = None,
    limit: PageLimit = 100,
) -> Page[CatalogProductResponse]:
    """List the products of the catalog by vendor and vendor product ID."""
    conditions = ProductFilter(vendor_id, search, category, status, upload_id)
    return Catalog(pool, principal).list_products(conditions, cursor=cursor, limit=limit)


@router.get("/count", description=f"Return the number of products that match, up to {MAX_COUNT:,}.")
def count_products(
    principal: ProductReader,
    pool: PoolDep,
    *,
    search: Search = None,
    category: Category = None,
    status: ProductStatus | None = None,
    upload_id: UploadFilter = None,
    vendor_id: VendorFilter = None,
) -> ProductCount:
    return Catalog(pool, principal).count_products(ProductFilter(vendor_id, search, category, status, upload_id))


@router.post("/status", status_code=202, responses=EDIT_PROBLEMS)
def set_status(
    body: ProductStatusRequest, principal: Writer, pool: PoolDep, idempotency_key: IdempotencyKey = None
) -> EditResponse:
    """Take products of one vendor off sale, or put them on sale: an upload with a row for each."""
    catalog = Catalog(pool, principal)
    return catalog.set_status(body.product_ids, body.status, idempotency_key=idempotency_key)


@router.get("/{product_id}", responses=NOT_FOUND)
def show_product(product_id: ProductId, principal: ProductReader, pool: PoolDep) -> CatalogProductResponse:
    """Return a product."""
    return Catalog(pool, principal).get_product(product_id)


@router.get("/{product_id}/history", responses=NOT_FOUND)
def show_history(product_id: ProductId, principal: ProductReader, pool: PoolDep) -> ProductHistory:
    """Return every change of a product: what, when, by whom, and by which row of which upload."""
    return ProductHistory(items=Catalog(pool, principal).list_history(product_id))


@router.patch("/{product_id}", status_code=202, responses=EDIT_PROBLEMS)
def edit_product(
    product_id: ProductId,
    body: ProductEditRequest,
    principal: Writer,
    pool: PoolDep,
    idempotency_key: IdempotencyKey = None,
) -> EditResponse:
    """Change values of a product: an upload of one row in mode `update`, which is checked before.

    If the check finds an error, nothing is changed.
    """
    values = {column: "" if value is None else str(value) for column, value in body.values.items()}
    return Catalog(pool, principal).edit_product(
        product_id, values, version=body.version, idempotency_key=idempotency_key
    )


@operator_router.post("/block", responses=problem_responses("conflict"))
def block_product(
    product_id: ProductId, body: BlockRequest, principal: OperatorAdmin, pool: PoolDep
) -> CatalogProductResponse:
    """Take a product off sale with a reason. The vendor sees the reason and cannot put the product on sale."""
    return Catalog(pool, principal).block(product_id, body.reason)


@operator_router.delete("/block", status_code=204)
def unblock_product(product_id: ProductId, principal: OperatorAdmin, pool: PoolDep) -> None:
    """End the block of a product, which gets its former status."""
    Catalog(pool, principal).unblock(product_id)
