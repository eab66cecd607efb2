"""The catalog for the API and the portal: lists, histories and edits of the products that a principal may see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from onboarding.domain.catalog import CatalogProduct, ProductFilter
from onboarding.domain.error_codes import RejectionCode
from onboarding.domain.models import RowError
from onboarding.domain.product_changes import VERSION
from onboarding.domain.suggestions import find_suggestion
from onboarding.pipeline.parser_process import ParserTimeout
from onboarding.pipeline.product_edits import EditsRejected, OtherEdits, ProductEdit, submit_edits
from onboarding.storage import api_keys, catalog, file_details
from onboarding.storage.database import Connection
from onboarding.web.auth import Principal
from onboarding.web.database import DatabasePool, Work
from onboarding.web.errors import Problem, RowProblem, not_found
from onboarding.web.pagination import Page, build_page, decode_product_cursor, encode_cursor
from onboarding.web.product_events import notify_products_changed
from onboarding.web.product_schemas import (
    CatalogProductResponse,
    EditResponse,
    ProductCount,
    ProductEventResponse,
    event_response,
    product_response,
)

Result = TypeVar("Result")

MAX_COUNT = 1_000
"""Highest number to which the products of a filter are counted."""

BUCKET_ACTOR = "File in the bucket"

VENDOR_SUSPENDED = (
    "Nothing was changed. The account of this vendor is suspended. Activate the vendor, then change its products."
)
"""Explains to an operator why the products of a suspended vendor cannot be changed."""


@dataclass(frozen=True, slots=True)
class Catalog:
    """Access of a principal to the catalog.

    Methods that take the id of a product raise the problem `not-found` for one that the principal may not see.
    """

    pool: DatabasePool
    principal: Principal

    def list_products(
        self, conditions: ProductFilter, *, cursor: str | None = None, limit: int
    ) -> Page[CatalogProductResponse]:
        """Return a page of the products that match, in the order of vendors and their ids."""
        after = decode_product_cursor(cursor)
        if self._is_of_another_vendor(conditions):
            return Page(items=[], next=None)
        products = self._run(
            lambda c: catalog.list_products(c, conditions, is_vendor=self._is_vendor, after=after, limit=limit + 1)
        )
        cursors = [encode_cursor(product.vendor_id, product.values["vendor_product_id"]) for product in products]
        return build_page(list(map(product_response, products)), limit, cursors)

    def count_products(self, conditions: ProductFilter) -> ProductCount:
        """Return the number of products that match, up to `MAX_COUNT`."""
        if self._is_of_another_vendor(conditions):
            return ProductCount(count=0, is_more=False)
        count = self._run(
            lambda c: catalog.count_products(c, conditions, is_vendor=self._is_vendor, max_rows=MAX_COUNT + 1)
        )
        return ProductCount(count=min(count, MAX_COUNT), is_more=count > MAX_COUNT)

    def get_product(self, product_id: int) -> CatalogProductResponse:
        """Return a product."""
        return product_response(self._run(lambda c: self.load_product(c, product_id)))

    def list_history(self, product_id: int) -> list[ProductEventResponse]:
        """Return the history of a product, the newest entry first."""

        def read(connection: Connection) -> list[ProductEventResponse]:
            return self.load_history(connection, self.load_product(connection, product_id))

        return self._run(read)

    def load_product(self, connection: Connection, product_id: int) -> CatalogProduct:
        """Return a product in a transaction of the principal."""
        [product] = self._load_products(connection, [product_id])
        return product

    def load_history(self, connection: Connection, product: CatalogProduct) -> list[ProductEventResponse]:
        """Return the history of a product in a transaction of the principal."""
        events = catalog.list_history(connection, product.product_id)
        details = file_details.list_file_details(connection, {event.upload_id for event in events if event.upload_id})
        key_ids = {event.actor.removeprefix("key:") for event in events if event.actor and event.actor[:4] == "key:"}
        describe = partial(
            self._describe_actor, product.vendor_name, api_keys.get_key_names(connection, key_ids) if key_ids else {}
        )
        return [event_response(event, describe, details.get(event.upload_id or "")) for event in events]

    def edit_product(
        self,
        product_id: int,
        values: Mapping[str, str],
        *,
        version: str | None = None,
        idempotency_key: str | None = None,
    ) -> EditResponse:
        """Submit new values of a product; a blank one clears its column.

        Raises the problems `invalid-rows`, with the errors that the check has found, and `conflict`.
        """
        product = self._run(lambda c: self.load_product(c, product_id))
        return self._submit([ProductEdit(product, values, version)], idempotency_key, "values.{column}")

    def set_status(
        self, product_ids: Sequence[int], status: str, *, idempotency_key: str | None = None
    ) -> EditResponse:
        """Take products of one vendor off sale, or put them on sale. Raises problems like `edit_product`."""
        ids = list(dict.fromkeys(product_ids))
        products = self._run(lambda c: self._load_products(c, ids))
        if len({product.vendor_id for product in products}) > 1:
            raise Problem("bad-request", "The products belong to several vendors. Choose products of one vendor.")
        edits = [ProductEdit(product, {"status": status}) for product in products]
        return self._submit(edits, idempotency_key, "product_ids.{position}")

    def block(self, product_id: int, reason: str) -> CatalogProductResponse:
        """Block a product. Raises AlreadyExists if it is blocked."""

        def work(connection: Connection) -> CatalogProduct:
            self.load_product(connection, product_id)
            catalog.block_product(connection, self.principal.audit_actor, product_id, reason)
            return self.load_product(connection, product_id)

        product = self._run(work)
        notify_products_changed(self.pool)
        return product_response(product)

    def unblock(self, product_id: int) -> None:
        """End the block of a product. Raises NotFound if it is not blocked."""
        self._run(lambda c: catalog.unblock_product(c, self.principal.audit_actor, product_id))
        notify_products_changed(self.pool)

    def _run(self, work: Work[Result]) -> Result:
        return self.principal.run(self.pool, work)

    @property
    def _is_vendor(self) -> bool:
        return self.principal.vendor_id is not None

    def _is_of_another_vendor(self, conditions: ProductFilter) -> bool:
        return self._is_vendor and conditions.vendor_id not in {None, self.principal.vendor_id}

    def _load_products(self, connection: Connection, product_ids: Sequence[int]) -> list[CatalogProduct]:
        """Return all of these products. Row-level security hides those of others; this does not depend on it."""
        products = catalog.get_products(connection, product_ids)
        vendors = {product.vendor_id for product in products}
        if len(products) < len(product_ids) or (self._is_vendor and vendors - {self.principal.vendor_id}):
            raise not_found("product")
        return products

    def _describe_actor(self, vendor_name: str, key_names: Mapping[str, str], actor: str | None) -> str:
        """Return an actor of the history in words. Vendors do not see who acts for the marketplace."""
        if actor is None:
            return BUCKET_ACTOR
        kind, _, name = actor.partition(":")
        if kind == "vendor":
            return vendor_name
        if kind == "key":
            return f"API key \u2039{key_names[name]}\u203a" if name in key_names else "API key"
        return (name or "Command") if self.principal.is_operator else "The marketplace"

    def _submit(self, edits: Sequence[ProductEdit], idempotency_key: str | None, field: str) -> EditResponse:
        vendor_id = edits[0].product.vendor_id
        try:
            session = submit_edits(
                self.pool.ctx,
                self.principal.audit_actor,
                vendor_id,
                edits,
                run=partial(self.pool.run_as_vendor, vendor_id),
                run_unrestricted=self.pool.run_unrestricted,
                idempotency_key=idempotency_key,
            )
        except EditsRejected as error:
            raise self._build_problem(edits, error, field) from error
        except OtherEdits as error:
            raise Problem("conflict", "This Idempotency-Key was used for another request.") from error
        except ParserTimeout as error:
            detail = "The server is too busy to check the change. Try again later."
            raise Problem("unavailable", detail, headers={"Retry-After": "30"}) from error
        return EditResponse(
            upload_session_id=session.upload_session_id,
            file_name=session.file_name,
            status_url=f"{self.pool.settings.portal_url}/v1/upload-sessions/{session.upload_session_id}",
        )

    def _build_problem(self, edits: Sequence[ProductEdit], error: EditsRejected, field: str) -> Problem:
        if error.rejection is not None:
            if error.rejection.code == RejectionCode.VENDOR_SUSPENDED and not self._is_vendor:
                return Problem("conflict", VENDOR_SUSPENDED)
            return Problem("conflict", f"Nothing was changed: {error}.")
        errors = [
            _build_row_problem(
                edits[position].product, row_error, field.format(column=row_error.field, position=position)
            )
            for position, row_errors in enumerate(error.errors)
            for row_error in row_errors
        ]
        more = f" There are {len(errors) - 1:,} other errors." if len(errors) > 1 else ""
        return Problem("invalid-rows", f"Nothing was changed. {errors[0].message}.{more}", errors=errors)


def _build_row_problem(product: CatalogProduct, error: RowError, field: str) -> RowProblem:
    return RowProblem(
        location="body",
        field="version" if error.field == VERSION else field,
        message=error.message,
        product_id=product.product_id,
        vendor_product_id=str(product.values["vendor_product_id"]),
        error_type=error.error_type,
        column=error.field,
        value=error.value,
        expected=error.expected,
        hint=error.hint,
        suggestion=find_suggestion(error.hint),
    )
