"""`onboarding uploads undo`: takes back what an upload did to the catalog."""

from __future__ import annotations

from typing import Annotated

import typer

from onboarding.cli.options import Json, State
from onboarding.cli.output import Column, console, say, say_json, table
from onboarding.cli.target import asking


def undo_upload(
    upload_id: Annotated[str, typer.Argument(metavar="UPLOAD_ID")], as_json: Json = False, state: State = None
) -> None:
    """Take back what an upload did to the catalog.

    Products that it created go, those that it changed are what they were before. What was changed since, by another
    upload or otherwise, stays as it is and is listed. The history keeps the upload.
    """
    with asking(state) as (_, ask):
        undone = ask("undo_upload", upload_id=upload_id)
    if as_json:
        say_json({"upload_id": upload_id, **undone})
        return
    say(
        f"Undone: {undone['removed']:,} products removed, {undone['restored']:,} as they were before, "
        f"{len(undone['kept']):,} kept as they are."
    )
    if undone["kept"]:
        columns = (Column("Row", "right"), Column("Vendor product ID"), Column("Why it was kept", folds=True))
        rows = [
            (kept["spreadsheet_row"] or kept["row_number"], kept["vendor_product_id"], kept["reason"])
            for kept in undone["kept"]
        ]
        console().print(table(columns, rows))
