"""`onboarding uploads undo`: reversal of an upload's changes in the catalog."""

from __future__ import annotations

from datetime import datetime

from onboarding.cli.options import Json, State
from onboarding.cli.output import Column, format_count, print_json, print_line, print_table
from onboarding.cli.target import connect_admin
from onboarding.cli.uploads import UploadId, format_time


def undo_upload(upload_id: UploadId, as_json: Json = False, state: State = None) -> None:
    """Undo the changes of an upload in the catalog.

    Created products are deleted, changed products get their previous values. Products that were changed since are
    skipped and listed. The history keeps the upload.
    """
    with connect_admin(state) as (_, run_action):
        result = run_action("undo_upload", upload_id=upload_id)
    if as_json:
        print_json({"upload_id": upload_id, **result})
        return
    undone_at = format_time(datetime.fromisoformat(result["undone_at"]))
    print_line(
        f"{f'{upload_id} was undone before, at {undone_at}' if result['is_repeated'] else 'Undone'}: "
        f"{format_count(result['removed'], 'product')} removed, {result['restored']:,} restored, "
        f"{len(result['skipped']):,} skipped."
    )
    if result["skipped"]:
        columns = (Column("Row", "right"), Column("Vendor product ID"), Column("Reason", wraps=True))
        rows = [
            (product["spreadsheet_row"] or product["row_number"], product["vendor_product_id"], product["reason"])
            for product in result["skipped"]
        ]
        print_table(columns, rows)
