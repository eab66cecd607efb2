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
