"""Request and response models of the catalog."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field, StringConstraints

from onboarding.domain.catalog import CatalogProduct, ProductEvent, ProductEventType
from onboarding.domain.column_types import ProductStatus
from onboarding.domain.product_schema import CHANGEABLE
from onboarding.files.models import FileDetails
from onboarding.pipeline.product_edits import MAX_EDITS
from onboarding.storage.catalog import REASON_LENGTH
from onboarding.storage.input_validation import PLAIN_TEXT
from onboarding.web.correction_schemas import MAX_TEXT, CellText
from onboarding.web.schemas import ProductColumns, spreadsheet_row_function

ChangeableColumn = Literal[CHANGEABLE]  # type: ignore[valid-type]

SalesStatus = Literal[ProductStatus.ACTIVE, ProductStatus.INACTIVE]
"""The statuses that a vendor can set."""

WholeNumber = Annotated[int, Field(strict=True, ge=-(2**31), lt=2**31)]


def _check_value(value: object) -> object:
    """Return a new value of a column. Raises ValueError, once instead of for each type that it may have."""
    is_text = isinstance(value, str) and len(value) <= MAX_TEXT and "\0" not in value
    is_number = isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**31
    if not (value is None or is_text or is_number):
        raise ValueError(f'Enter text of up to {MAX_TEXT:,} characters, such as "12.50", or a whole number')
    return value


NewValue = Annotated[CellText | WholeNumber | None, BeforeValidator(_check_value)]

Reason = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=REASON_LENGTH, pattern=PLAIN_TEXT)
]


class CatalogProductResponse(ProductColumns):  # type: ignore[valid-type, misc]
    """A product of the catalog, with the row of the file that created it."""

    product_id: int
    vendor_id: str
    vendor_name: str
    block_reason: str | None = Field(description="Why the marketplace has blocked the product; null if it has not")
    upload_id: str
    created_at: datetime
    updated_at: datetime
    version: str = Field(description="Changes with every change of the product")


class ProductCount(BaseModel):
    """The number of products that match conditions."""

    count: int
    is_more: bool = Field(description="True: there are more than `count`")


class ValueChangeResponse(BaseModel):
    """A column with its values before and after a change."""

    column: str
    old: str | None
    new: str | None


class ProductEventResponse(BaseModel):
    """An entry in the history of a product. For a block, the fields of an upload are null."""

    event_type: ProductEventType
    at: datetime
    actor: str = Field(description="Who made the change, for people")
    upload_id: str | None
    file_name: str | None
    row_number: int | None = Field(description="Data row; the first one below the header is 1")
    spreadsheet_row: int | None = Field(description="The row number in a spreadsheet")
    upload_rows: int | None = Field(description="Number of rows of the upload, all of which an undo reverts")
    changes: list[ValueChangeResponse] = Field(
        description="Changed columns; none of a change that an earlier version of the service made"
    )
    is_undone: bool = Field(description="Whether the upload has been undone since")
    reason: str | None = Field(description="Reason of a block")


class ProductHistory(BaseModel):
    """The history of a product."""

    items: list[ProductEventResponse] = Field(description="The newest first")


class ProductEditRequest(BaseModel):
    """New values of a product."""

    values: Annotated[dict[ChangeableColumn, NewValue], Field(min_length=1)] = Field(
        description="Values by column, written as in a file; null or a blank text clears the column",
        examples=[{"price": "12.50", "brand": None}],
    )
    version: Annotated[str, StringConstraints(max_length=40, pattern=r"^v[0-9a-f]+$")] | None = Field(
        None,
        description="The last known `version`; if another one is current, the values are not changed (`STALE_ROW`). "
        "Null overwrites any other change",
    )


class ProductStatusRequest(BaseModel):
    """A new status of several products of one vendor."""

    product_ids: Annotated[
        list[Annotated[int, Field(strict=True, ge=1, lt=2**63)]], Field(min_length=1, max_length=MAX_EDITS)
    ]
    status: SalesStatus


class BlockRequest(BaseModel):
    """A block of a product."""

    reason: Reason = Field(description="The vendor sees it")


class EditResponse(BaseModel):
    """Edits, which are imported like an uploaded file."""

    upload_session_id: str
    file_name: str
    status_url: str = Field(description="Returns the upload once processing has started")


def product_response(product: CatalogProduct) -> CatalogProductResponse:
    """Return the response for a product."""
    fields = {name: value for name, value in asdict(product).items() if name != "values"}
    values = {name: str(value) if isinstance(value, Decimal) else value for name, value in product.values.items()}
    return CatalogProductResponse(**fields, **values, version=product.version)


def event_response(
    event: ProductEvent, describe_actor: Callable[[str | None], str], details: FileDetails | None
) -> ProductEventResponse:
    """Return the response for an entry of a history; `details` are those of the file that caused it."""
    row_number = event.row_number
    fields = asdict(event) | {"actor": describe_actor(event.actor)}
    if event.event_type is ProductEventType.UNBLOCKED:
        fields["reason"] = None
    return ProductEventResponse(
        **fields, spreadsheet_row=spreadsheet_row_function(details)(row_number) if row_number is not None else None
    )
