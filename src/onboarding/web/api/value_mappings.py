"""Routes for value mappings: those of a vendor, and category aliases, which apply to all vendors."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field, StringConstraints

from onboarding.domain.mappings import MAX_VALUE_LENGTH, MAX_VALUES, REMEMBERED_COLUMNS, normalize_key
from onboarding.storage import value_mappings
from onboarding.storage.database import Connection
from onboarding.web.auth import CurrentOperator, CurrentVendor, OperatorAdmin, Principal, VendorWriter
from onboarding.web.database import DatabasePool, PoolDep
from onboarding.web.errors import problem_responses
from onboarding.web.pagination import Limit, LongCursor, Page, build_page, decode_value_cursor, encode_cursor
from onboarding.web.request_parameters import ValueMappingId, VendorId

router = APIRouter(
    prefix="/v1/value-mappings",
    tags=["Mappings"],
    responses=problem_responses("unauthenticated", "forbidden", "account-suspended", "invalid-request", "bad-request"),
)
operator_router = APIRouter(
    prefix="/v1/operator/vendors/{vendor_id}/value-mappings",
    tags=["Operators"],
    responses=problem_responses("unauthenticated", "forbidden", "not-found", "invalid-request", "bad-request"),
)
aliases_router = APIRouter(
    prefix="/v1/operator/category-aliases",
    tags=["Operators"],
    responses=problem_responses("unauthenticated", "forbidden", "not-found", "invalid-request", "bad-request"),
)

ValueText = Annotated[str, StringConstraints(min_length=1, max_length=MAX_VALUE_LENGTH)]


class ValueMappingsRequest(BaseModel):
    """Values of a column to translate. They replace earlier translations of the same values."""

    column: Annotated[str, StringConstraints(pattern=rf"^({'|'.join(REMEMBERED_COLUMNS)})$")] = Field(
        description="The column", examples=[REMEMBERED_COLUMNS[0]]
    )
    values: Annotated[dict[ValueText, ValueText], Field(min_length=1, max_length=MAX_VALUES)] = Field(
        description="Our value, which must be active, by the value in files", examples=[{"Men": "Men's Clothing"}]
    )


class ValueMappingResponse(BaseModel):
    """A translation of a value."""

    value_mapping_id: int
    column: str
    vendor_value: str = Field(description="The value in files, compared without regard to case and spaces")
    target: str = Field(description="Our value")
    is_active: bool = Field(description="Whether the target is an active value")
    created_by: str
    updated_at: datetime


class _ValueMapping(ValueMappingResponse):
    value_key: str = Field(exclude=True)


class ValueMappingList(BaseModel):
    """Stored translations of values."""

    items: list[ValueMappingResponse]


# A vendor's value mappings; those of vendor None are the category aliases.


def list_page(
    principal: Principal, pool: DatabasePool, vendor_id: str | None, cursor: str | None, limit: int
) -> Page[ValueMappingResponse]:
    """Return a page of the value mappings of a vendor, or of the category aliases if it is None."""
    after = decode_value_cursor(cursor)

    def work(connection: Connection) -> list[_ValueMapping]:
        rows = value_mappings.list_value_mappings(connection, vendor_id, after=after, limit=limit + 1)
        return [_ValueMapping.model_validate(row) for row in rows]

    items = principal.run_for_vendor(pool, vendor_id, work)
    cursors = [encode_cursor(item.column, item.value_key) for item in items]
    return build_page(list[ValueMappingResponse](items), limit, cursors)


def set_values(
    principal: Principal, pool: DatabasePool, vendor_id: str | None, body: ValueMappingsRequest
) -> ValueMappingList:
    """Store value mappings of a vendor, or category aliases if it is None, and return them. Raises InvalidInput."""
    keys = {normalize_key(value) for value in body.values}

    def work(connection: Connection) -> ValueMappingList:
        value_mappings.set_value_mappings(connection, principal.audit_actor, vendor_id, body.column, body.values)
        rows = value_mappings.list_value_mappings(connection, vendor_id)
        return ValueMappingList(
            items=[
                ValueMappingResponse.model_validate(row)
                for row in rows
                if row["column"] == body.column and row["value_key"] in keys
            ]
        )

    return principal.run_for_vendor(pool, vendor_id, work)


def delete_value(principal: Principal, pool: DatabasePool, vendor_id: str | None, value_mapping_id: int) -> None:
    """Delete a value mapping of a vendor, or a category alias if it is None. Raises NotFound."""
    actor = principal.audit_actor

    def work(connection: Connection) -> None:
        value_mappings.delete_value_mapping(connection, actor, vendor_id, value_mapping_id)

    principal.run_for_vendor(pool, vendor_id, work)


@router.get("")
def list_value_mappings(
    principal: CurrentVendor, pool: PoolDep, cursor: LongCursor = None, limit: Limit = 100
) -> Page[ValueMappingResponse]:
    """List your own value mappings, by column and value."""
    return list_page(principal, pool, principal.vendor_id, cursor, limit)


@router.put("")
def set_value_mappings(body: ValueMappingsRequest, principal: VendorWriter, pool: PoolDep) -> ValueMappingList:
    """Translate values in later files. The response has the stored translations."""
    return set_values(principal, pool, principal.vendor_id, body)


@router.delete("/{value_mapping_id}", status_code=204, responses=problem_responses("not-found"))
def delete_value_mapping(value_mapping_id: ValueMappingId, principal: VendorWriter, pool: PoolDep) -> None:
    """Delete a value mapping."""
    delete_value(principal, pool, principal.vendor_id, value_mapping_id)


@operator_router.get("")
def list_value_mappings_of_vendor(
    vendor_id: VendorId, principal: CurrentOperator, pool: PoolDep, cursor: LongCursor = None, limit: Limit = 100
) -> Page[ValueMappingResponse]:
    """List the value mappings of a vendor, by column and value."""
    return list_page(principal, pool, vendor_id, cursor, limit)


@operator_router.put("")
def set_value_mappings_of_vendor(
    vendor_id: VendorId, body: ValueMappingsRequest, principal: OperatorAdmin, pool: PoolDep
) -> ValueMappingList:
    """Translate values in later files of a vendor. The response has the stored translations."""
    return set_values(principal, pool, vendor_id, body)


@operator_router.delete("/{value_mapping_id}", status_code=204)
def delete_value_mapping_of_vendor(
    vendor_id: VendorId, value_mapping_id: ValueMappingId, principal: OperatorAdmin, pool: PoolDep
) -> None:
    """Delete a value mapping of a vendor."""
    delete_value(principal, pool, vendor_id, value_mapping_id)


@aliases_router.get("")
def list_category_aliases(
    principal: CurrentOperator, pool: PoolDep, cursor: LongCursor = None, limit: Limit = 100
) -> Page[ValueMappingResponse]:
    """List the category aliases, by value. The name of an active category is not treated as an alias."""
    return list_page(principal, pool, None, cursor, limit)


@aliases_router.put("")
def set_category_aliases(body: ValueMappingsRequest, principal: OperatorAdmin, pool: PoolDep) -> ValueMappingList:
    """Translate values in later files of all vendors; a vendor's own value mappings win."""
    return set_values(principal, pool, None, body)


@aliases_router.delete("/{value_mapping_id}", status_code=204)
def delete_category_alias(value_mapping_id: ValueMappingId, principal: OperatorAdmin, pool: PoolDep) -> None:
    """Delete a category alias."""
    delete_value(principal, pool, None, value_mapping_id)
