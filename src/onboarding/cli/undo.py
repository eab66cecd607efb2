"""`onboarding uploads undo`."""

from __future__ import annotations

from typing import Annotated

import typer

from onboarding.cli.options import Json, State
from onboarding.cli.output import Column, console, say, say_json, table
from onboarding.cli.target import connect_admin


def undo_upload(
    upload_id: Annotated[str, typer.Argument(metavar="UPLOAD_ID")], as_json: Json = False, state: State = None
) -> None:
    """Undo the changes of an upload in the catalog.

    Created products are deleted, changed products get their previous values. Products that were changed since are
    skipped and listed. The history keeps the upload.
    """
    with connect_admin(state) as (_, run_action):
        undone = run_action("undo_upload", upload_id=upload_id)
    if as_json:
        say_json({"upload_id": upload_id, **undone})
        return
    say(
        f"Undone: {undone['removed']:,} products removed, {undone['restored']:,} restored, "
        f"{len(undone['skipped']):,} skipped."
    )
    if undone["skipped"]:
        columns = (Column("Row", "right"), Column("Vendor product ID"), Column("Reason", folds=True))
        rows = [
            (product["spreadsheet_row"] or product["row_number"], product["vendor_product_id"], product["reason"])
            for product in undone["skipped"]
        ]
        console().print(table(columns, rows))
