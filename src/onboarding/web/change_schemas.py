"""Response models of changed products: what an upload did, or a dry run would do."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import BaseModel, Field

from onboarding.domain.models import Outcome
from onboarding.domain.upload_changes import ProductChange


class ValueChangeResponse(BaseModel):
    """A column with its values before and after a change. Null: no value."""

    column: str
    old: str | None
    new: str | None


class UploadChangeResponse(BaseModel):
    """What a row of an upload did to its product, or would do."""

    row_number: int = Field(description="Data row; the first one below the header is 1")
    spreadsheet_row: int = Field(description="The row number in a spreadsheet")
    change_type: Outcome
    product_id: int
    vendor_product_id: str | None = Field(description="Null if the product is no longer in the catalog")
    product_name: str | None
    changes: list[ValueChangeResponse] = Field(description="The changed columns; none of a new product")
    set_columns: list[str] = Field(
        description="The columns that the row set, if an earlier version of the system has not stored their new values"
    )
    price_move: float | None = Field(description="Change of the price relative to the old one, such as 0.25")


def change_response(change: ProductChange, spreadsheet_row: Callable[[int], int]) -> UploadChangeResponse:
    """Return the response for a changed product."""
    move = change.price_move
    return UploadChangeResponse(
        row_number=change.row_number,
        spreadsheet_row=spreadsheet_row(change.row_number),
        change_type=change.change_type,
        product_id=change.product_id,
        vendor_product_id=change.vendor_product_id,
        product_name=change.product_name,
        changes=[ValueChangeResponse(column=item.column, old=item.old, new=item.new) for item in change.changes],
        set_columns=list(change.set_columns),
        price_move=None if move is None else float(move),
    )
