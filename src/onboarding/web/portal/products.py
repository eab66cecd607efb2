"""Page of the catalog: search, filters, and a new status for several products."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from onboarding.domain.catalog import MAX_SEARCH_LENGTH, ProductFilter
from onboarding.domain.column_types import ProductStatus
from onboarding.domain.product_schema import MAX_LENGTHS
from onboarding.pipeline.product_edits import MAX_EDITS
from onboarding.storage import categories
from onboarding.storage.database import Connection
from onboarding.storage.input_validation import PLAIN_TEXT
from onboarding.web import upload_queries
from onboarding.web.auth import Principal, Reader, Writer
from onboarding.web.database import DatabasePool, PoolDep
from onboarding.web.errors import Problem
from onboarding.web.portal.forms import Text
from onboarding.web.portal.product_views import (
    STATUS_LABELS,
    EditProgress,
    derive_idempotency_key,
    load_progress,
    new_form_key,
)
from onboarding.web.portal.rendering import page_links, render_page
from onboarding.web.product_queries import Catalog

router = APIRouter(prefix="/products", include_in_schema=False)

PRODUCTS_PER_PAGE = 50

ChosenId = Annotated[int, Field(ge=1, lt=2**63)]

EDIT_PROBLEMS = frozenset({"invalid-rows", "conflict", "bad-request", "unavailable"})
"""Problems of an edit that a page explains beside its form."""


class ListParameters(BaseModel):
    """The parameters of the page; blank ones are those that a form sends for empty fields."""

    model_config = ConfigDict(extra="ignore")

    # Cells that are pasted from a spreadsheet have tabs between them.
    search: Annotated[
        str,
        BeforeValidator(lambda text: " ".join(str(text).split())),
        Field(max_length=MAX_SEARCH_LENGTH, pattern=PLAIN_TEXT),
    ] = ""
    category: Annotated[str, Field(max_length=MAX_LENGTHS["category"], pattern=PLAIN_TEXT)] = ""
    status: ProductStatus | Literal[""] = ""
    # Any text: one that cannot be an id matches no product.
    vendor_id: Annotated[str, BeforeValidator(str.strip), Field(max_length=50, pattern=PLAIN_TEXT)] = ""
    upload_id: Annotated[str, Field(max_length=50, pattern=r"^[A-Za-z0-9_-]*$")] = ""
    cursor: Annotated[str | None, Field(max_length=3000, pattern=r"^[A-Za-z0-9_-]+$")] = None

    @property
    def conditions(self) -> ProductFilter:
        """Return the conditions for products."""
        status = self.status if isinstance(self.status, ProductStatus) else None
        return ProductFilter(
            self.vendor_id or None, self.search.strip() or None, self.category or None, status, self.upload_id or None
        )

    def list_filters(self) -> dict[str, str]:
        """Return the parameters with a value, without the cursor."""
        return {name: str(value) for name, value in self.model_dump(exclude={"cursor"}).items() if value}


@router.get("")
def show_products(
    request: Request,
    principal: Reader,
    pool: PoolDep,
    parameters: Annotated[ListParameters, Query()],
    *,
    edit: Annotated[str, Query(max_length=40, pattern=r"^[A-Za-z0-9_-]*$")] = "",
    notice: Literal["none-chosen", "removed", ""] = "",
) -> Response:
    """Show a page of the products that match the filters."""
    return _render(request, principal, pool, parameters, edit=edit, notice=notice)


@router.get("/status")
def redirect_to_products(_: Reader) -> Response:
    """Redirect a browser that opens the address of the form, which a page with errors has."""
    return RedirectResponse("/products", status_code=303)


@router.post("/status")
def set_status(
    request: Request,
    principal: Writer,
    pool: PoolDep,
    *,
    status: Text = "",
    product_id: Annotated[list[ChosenId] | None, Form(max_length=MAX_EDITS)] = None,
    key: Text = "",
    query: Annotated[str, Form(max_length=8000)] = "",
) -> Response:
    """Take the chosen products off sale, or put them on sale. `query` is that of the page with the form."""
    parameters = _parse_query(query)
    address = parameters.list_filters() | ({"cursor": parameters.cursor} if parameters.cursor else {})
    if not product_id:
        return RedirectResponse(f"/products?{urlencode({**address, 'notice': 'none-chosen'})}", status_code=303)
    try:
        edit = Catalog(pool, principal).set_status(
            product_id, status, idempotency_key=derive_idempotency_key(key, sorted(product_id), status)
        )
    except Problem as problem:
        if problem.kind not in EDIT_PROBLEMS:
            raise
        return _render(request, principal, pool, parameters, problem=problem, chosen=product_id)
    return RedirectResponse(f"/products?{urlencode({**address, 'edit': edit.upload_session_id})}", status_code=303)


def _parse_query(query: str) -> ListParameters:
    try:
        return ListParameters.model_validate(dict(parse_qsl(query)))
    except ValidationError:
        return ListParameters()


def _render(
    request: Request,
    principal: Principal,
    pool: DatabasePool,
    parameters: ListParameters,
    *,
    edit: str = "",
    notice: str = "",
    problem: Problem | None = None,
    chosen: list[int] | None = None,
) -> Response:
    catalog, conditions, filters = Catalog(pool, principal), parameters.conditions, parameters.list_filters()

    def read(connection: Connection) -> tuple[str, EditProgress | None]:
        upload_name = ""
        if parameters.upload_id:
            upload_name = upload_queries.get_visible_upload(connection, principal, parameters.upload_id).file_name
        return upload_name, load_progress(connection, principal, edit) if edit else None

    upload_name, progress = principal.run(pool, read)
    products = catalog.list_products(conditions, cursor=parameters.cursor, limit=PRODUCTS_PER_PAGE)
    return render_page(
        "products.html",
        request,
        principal,
        status=422 if problem else 200,
        products=products.items,
        count=catalog.count_products(conditions),
        parameters=parameters,
        filters=filters,
        query=urlencode(filters | ({"cursor": parameters.cursor} if parameters.cursor else {})),
        upload_name=upload_name,
        # Products keep a category that is disabled.
        categories=pool.run_unrestricted(categories.list_categories),
        status_labels=STATUS_LABELS,
        progress=progress,
        notice=notice,
        problem=problem,
        chosen=chosen or [],
        form_key=new_form_key(),
        **page_links("/products", filters, parameters.cursor, products.next),
    )
