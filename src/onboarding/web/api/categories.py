"""Routes for product categories: the active ones for vendors, all of them for operators."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, StringConstraints

from onboarding.storage import categories
from onboarding.storage.database import Connection
from onboarding.storage.input_validation import PLAIN_TEXT
from onboarding.web.auth import CurrentOperator, OperatorAdmin, Reader
from onboarding.web.database import PoolDep, fetch_models
from onboarding.web.errors import problem_responses
from onboarding.web.request_parameters import CategoryId

router = APIRouter(
    prefix="/v1/categories",
    tags=["Templates and dry runs"],
    responses=problem_responses("unauthenticated", "forbidden", "invalid-request", "bad-request"),
)

operator_router = APIRouter(
    prefix="/v1/operator/categories",
    tags=["Operators"],
    responses=problem_responses("unauthenticated", "forbidden", "not-found", "invalid-request", "bad-request"),
)

Description = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=categories.DESCRIPTION_LENGTH, pattern=PLAIN_TEXT)
]
CategoryName = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=categories.NAME_LENGTH, pattern=PLAIN_TEXT),
]


class CategoryNames(BaseModel):
    """The names that the column `category` may have."""

    items: list[str]


class CategoryResponse(BaseModel):
    """A category, with the number of its products."""

    category_id: int
    category_name: str
    description: str | None
    is_active: bool
    products: int


class CategoryList(BaseModel):
    """The categories of the platform."""

    items: list[CategoryResponse]


class CategoryRequest(BaseModel):
    """A new category."""

    category_name: CategoryName
    description: Description | None = None


class CategoryUpdate(BaseModel):
    """New values of a category. Fields that are left out do not change. Products keep a category that is inactive."""

    description: Description | None = None
    is_active: bool | None = None


@router.get("")
def list_active_categories(principal: Reader, pool: PoolDep) -> CategoryNames:
    """List the active categories."""
    return CategoryNames(items=pool.run_unrestricted(categories.list_active_category_names))


@operator_router.get("")
def list_categories(principal: CurrentOperator, pool: PoolDep) -> CategoryList:
    """List all categories, inactive ones included."""
    return CategoryList(items=principal.run(pool, _query_categories))


def _query_categories(connection: Connection, category_id: int | None = None) -> list[CategoryResponse]:
    return fetch_models(connection, CategoryResponse, "list_categories_with_counts", {"category_id": category_id})


@operator_router.post("", status_code=201, responses=problem_responses("conflict"))
def create_category(body: CategoryRequest, principal: OperatorAdmin, pool: PoolDep) -> CategoryResponse:
    """Add a category that products may have from now on."""

    def work(connection: Connection) -> CategoryResponse:
        category_id = categories.add_category(connection, principal.audit_actor, **body.model_dump())
        return _query_categories(connection, category_id)[0]

    return principal.run(pool, work)


@operator_router.patch("/{category_id}")
def update_category(
    category_id: CategoryId, body: CategoryUpdate, principal: OperatorAdmin, pool: PoolDep
) -> CategoryResponse:
    """Change the description of a category, enable or disable it."""

    def work(connection: Connection) -> CategoryResponse:
        categories.update_category(connection, principal.audit_actor, category_id, **body.model_dump())
        return _query_categories(connection, category_id)[0]

    return principal.run(pool, work)
