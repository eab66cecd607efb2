"""Page of a product: values, history, edit, status, undo, and its block by operators."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from onboarding.storage.catalog import REASON_LENGTH
from onboarding.storage.database import Connection
from onboarding.storage.errors import AlreadyExists, NotFound
from onboarding.web.api import upload_actions
from onboarding.web.api.categories import list_active_categories
from onboarding.web.auth import CurrentOperator, OperatorAdmin, Principal, Reader, Writer
from onboarding.web.database import DatabasePool, PoolDep
from onboarding.web.errors import Problem
from onboarding.web.portal.forms import Text, validate_form
from onboarding.web.portal.mapping_forms import FormFields
from onboarding.web.portal.product_views import (
    EVENT_LABELS,
    FORM_COLUMNS,
    STATUS_LABELS,
    ProductForm,
    build_form,
    can_undo,
    derive_idempotency_key,
    describe_value,
    load_progress,
    new_form_key,
)
from onboarding.web.portal.products import EDIT_PROBLEMS
from onboarding.web.portal.rendering import render_page
from onboarding.web.product_queries import Catalog
from onboarding.web.product_schemas import BlockRequest, product_response
from onboarding.web.request_parameters import ProductId

router = APIRouter(prefix="/products/{product_id}", include_in_schema=False)
operator_router = APIRouter(prefix="/operator/products/{product_id}", include_in_schema=False)

REASON_HELP = f"The vendor sees it. Up to {REASON_LENGTH} characters."


@router.get("")
def show_product(
    product_id: ProductId,
    request: Request,
    principal: Reader,
    pool: PoolDep,
    *,
    edit: Annotated[str, Query(max_length=40, pattern=r"^[A-Za-z0-9_-]*$")] = "",
    notice: Literal["unchanged", "undone", "blocked", "unblocked", ""] = "",
) -> Response:
    """Show a product with its history; `edit` is the upload session of an edit to follow."""
    return _render(product_id, request, principal, pool, edit=edit, notice=notice)


@router.post("")
def edit_product(
    product_id: ProductId, request: Request, principal: Writer, pool: PoolDep, fields: FormFields
) -> Response:
    """Change the values that the user has changed in the form."""
    form = ProductForm.parse(fields)
    catalog = Catalog(pool, principal)
    if not form.edits:
        catalog.get_product(product_id)
        return _redirect(product_id, notice="unchanged")
    key = derive_idempotency_key(form.key, form.version, sorted(form.edits.items()))
    try:
        edit = catalog.edit_product(product_id, form.edits, version=form.version, idempotency_key=key)
    except Problem as problem:
        if problem.kind not in EDIT_PROBLEMS:
            raise
        return _render(product_id, request, principal, pool, form=form, problem=problem)
    return _redirect(product_id, edit=edit.upload_session_id)


@router.get("/status")
@router.get("/undo")
def redirect_to_product(product_id: ProductId, principal: Reader, pool: PoolDep) -> Response:
    """Redirect a browser that opens the address of a form, which a page with errors has."""
    Catalog(pool, principal).get_product(product_id)
    return RedirectResponse(f"/products/{product_id}", status_code=303)


@operator_router.get("/block")
@operator_router.get("/unblock")
def redirect_operator_to_product(product_id: ProductId, principal: CurrentOperator, pool: PoolDep) -> Response:
    return redirect_to_product(product_id, principal, pool)


@router.post("/status")
def set_status(
    product_id: ProductId,
    request: Request,
    principal: Writer,
    pool: PoolDep,
    *,
    status: Text = "",
    key: Text = "",
) -> Response:
    try:
        edit = Catalog(pool, principal).set_status(
            [product_id], status, idempotency_key=derive_idempotency_key(key, product_id, status)
        )
    except Problem as problem:
        if problem.kind not in EDIT_PROBLEMS:
            raise
        return _render(product_id, request, principal, pool, problem=problem)
    return _redirect(product_id, edit=edit.upload_session_id)


@router.post("/undo")
def undo_change(
    product_id: ProductId,
    request: Request,
    principal: Writer,
    pool: PoolDep,
    upload_id: Text = "",
) -> Response:
    """Undo the upload with the latest change of the product, which must have this row only."""
    catalog = Catalog(pool, principal)
    product = catalog.get_product(product_id)
    events = [event for event in catalog.list_history(product_id) if event.upload_id == upload_id]
    if not any(can_undo(product, event) for event in events):
        if not any(event.is_undone for event in events):
            detail = "The product has changed since. Undo the later changes first."
            return _render(product_id, request, principal, pool, problem=Problem("conflict", detail))
        return _redirect(product_id, notice="undone")
    result = upload_actions.undo_upload(upload_id, principal, pool)
    if result.skipped:
        reason = result.skipped[0].reason
        return _render(
            product_id, request, principal, pool, problem=Problem("conflict", f"The change stays: {reason}.")
        )
    if result.removed:
        return RedirectResponse("/products?notice=removed", status_code=303)
    return _redirect(product_id, notice="undone")


@operator_router.post("/block")
def block_product(
    product_id: ProductId, request: Request, principal: OperatorAdmin, pool: PoolDep, reason: Text = ""
) -> Response:
    body, errors = validate_form(BlockRequest, {"reason": REASON_HELP}, reason=reason)
    if body is None:
        return _render(product_id, request, principal, pool, reason=reason, reason_errors=errors)
    try:
        Catalog(pool, principal).block(product_id, body.reason)
    except AlreadyExists as error:
        return _render(product_id, request, principal, pool, problem=Problem("conflict", str(error)))
    return _redirect(product_id, notice="blocked")


@operator_router.post("/unblock")
def unblock_product(product_id: ProductId, principal: OperatorAdmin, pool: PoolDep) -> Response:
    # Somebody else may have ended the block. Without a product, the page is not found.
    with suppress(NotFound):
        Catalog(pool, principal).unblock(product_id)
    return _redirect(product_id, notice="unblocked")


def _redirect(product_id: int, **parameters: str) -> Response:
    [(name, value)] = parameters.items()
    return RedirectResponse(f"/products/{product_id}?{name}={value}", status_code=303)


def _render(
    product_id: int,
    request: Request,
    principal: Principal,
    pool: DatabasePool,
    *,
    edit: str = "",
    notice: str = "",
    form: ProductForm | None = None,
    problem: Problem | None = None,
    reason: str = "",
    reason_errors: dict[str, str] | None = None,
) -> Response:
    catalog = Catalog(pool, principal)

    def read(connection: Connection) -> dict[str, Any]:
        # Before the product: of an edit that is finished, the new values are shown.
        progress = load_progress(connection, principal, edit) if edit else None
        product = catalog.load_product(connection, product_id)
        return {
            "product": product_response(product),
            "events": catalog.load_history(connection, product),
            "progress": progress,
        }

    values = principal.run(pool, read)
    product = values["product"]
    form_view = build_form(product, form, problem.errors if problem else ())
    return render_page(
        "product.html",
        request,
        principal,
        status=_get_status(problem, reason_errors),
        **values,
        columns=FORM_COLUMNS,
        undoable_uploads={event.upload_id for event in values["events"] if can_undo(product, event)},
        form=form_view,
        category_names=list_active_categories(principal, pool).items,
        status_labels=STATUS_LABELS,
        event_labels=EVENT_LABELS,
        describe_value=describe_value,
        form_key=new_form_key(),
        notice=notice,
        problem=problem,
        reason=reason,
        reason_help=REASON_HELP,
        field_errors=reason_errors or {},
    )


def _get_status(problem: Problem | None, reason_errors: dict[str, str] | None) -> int:
    if problem is not None and problem.kind != "invalid-rows":
        return 409
    return 422 if problem is not None or reason_errors else 200
