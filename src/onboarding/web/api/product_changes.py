"""Route for the change feed of products, for operators and the marketplace's own systems."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from onboarding.storage.product_feed import (
    EVENT_PRODUCTS,
    FeedPage,
    FeedPosition,
    PositionUnknown,
    list_product_changes,
)
from onboarding.web.auth import CatalogReader
from onboarding.web.database import PoolDep
from onboarding.web.errors import Problem, problem_responses
from onboarding.web.product_schemas import CatalogProductResponse, product_response

router = APIRouter(
    prefix="/v1/operator/product-changes",
    tags=["Change feed"],
    responses=problem_responses("unauthenticated", "forbidden", "not-found", "invalid-request", "bad-request", "gone"),
)

MAX_LIMIT = 200
"""Maximum `limit`. A page has up to one event more, and on AWS a response must not exceed 6 MB."""


class ProductChangeResponse(BaseModel):
    """A product that was created, changed or removed."""

    product_id: int
    is_removed: bool
    product: CatalogProductResponse | None = Field(description="The product as it is now; null if it was removed")


class ProductChangeList(BaseModel):
    """The next changes, each product once."""

    items: list[ProductChangeResponse]
    next: str = Field(description="The `after` of the next request; store it with the changes")
    has_more: bool = Field(description="Whether more changes can be read at once; else read again later")


After = Annotated[
    str | None,
    Query(
        max_length=200, pattern=r"^[A-Za-z0-9_-]+$", description="The `next` of the last response; omit it to read all"
    ),
]

Limit = Annotated[
    int,
    Query(
        ge=1,
        le=MAX_LIMIT,
        description=f"Number of items; there may be fewer, or up to {EVENT_PRODUCTS - 1} more: the products of one "
        "change are not divided",
    ),
]


@router.get("")
def list_changes(principal: CatalogReader, pool: PoolDep, after: After = None, limit: Limit = 100) -> ProductChangeList:
    """List the products of all vendors that were created, changed or removed after a position.

    No change is missed. A product may be repeated later, and already has the values of its last change.
    """
    try:
        position = FeedPosition.parse(after) if after is not None else FeedPosition()
    except ValueError as error:
        raise Problem("bad-request", "The position is invalid. Omit it to read all products.") from error
    try:
        page = principal.run(pool, lambda connection: list_product_changes(connection, position, limit))
    except PositionUnknown as error:
        detail = "An older state of the database was restored since this position. Omit it to read all products."
        raise Problem("gone", detail) from error
    return change_list_response(page)


def change_list_response(page: FeedPage) -> ProductChangeList:
    """Return the response for a page of the feed."""
    items = [
        ProductChangeResponse(
            product_id=change.product_id,
            is_removed=change.product is None,
            product=product_response(change.product) if change.product else None,
        )
        for change in page.changes
    ]
    return ProductChangeList(items=items, next=str(page.position), has_more=page.has_more)
