"""Pages that correct rejected rows: the work list of an upload, and forms for browsers without JavaScript."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError

from onboarding.domain.corrections import CorrectionEdit, CorrectionState
from onboarding.domain.models import OnError, UploadStatus
from onboarding.domain.product_changes import VERSION
from onboarding.storage import corrections, validation_errors
from onboarding.storage.database import Connection
from onboarding.web import schemas, upload_queries
from onboarding.web.api.categories import list_active_categories
from onboarding.web.auth import Principal, Reader, VendorWriter
from onboarding.web.correction_queries import UploadCorrections
from onboarding.web.correction_schemas import MAX_ROWS, FillRequest
from onboarding.web.database import DatabasePool, PoolDep
from onboarding.web.errors import Problem
from onboarding.web.pagination import Cursor
from onboarding.web.portal.correction_form import CorrectionForm, return_url
from onboarding.web.portal.correction_views import build_group_views, build_row_view
from onboarding.web.portal.file_details import get_spreadsheet_row_function
from onboarding.web.portal.mapping_forms import FormFields
from onboarding.web.portal.rendering import may_write, page_links, render_page
from onboarding.web.request_parameters import UploadId

router = APIRouter(prefix="/uploads/{upload_id}/corrections", include_in_schema=False)

FIRST_ROWS = 25
"""Number of rows on the page of the upload."""

GROUPS = 10
MAX_GROUPS = 200

CorrectionNotice = Literal["saved", "filled", "no-value", "discarded", "importing", ""]
Blank = Annotated[str, Query(pattern=r"^$")]


def load_work_list(
    pool: DatabasePool,
    principal: Principal,
    upload_id: str,
    *,
    state: CorrectionState | None = CorrectionState.OPEN,
    group: int | None = None,
    cursor: str | None = None,
    limit: int = FIRST_ROWS,
    unsaved_rows: Mapping[int, Mapping[str, str]] | None = None,
) -> dict[str, Any]:
    """Return what the template `_corrections.html` shows of an upload.

    `unsaved_rows` are edits by row number that were not saved, because somebody else has changed these rows meanwhile.
    The valid rows of an all-or-nothing file are a sentence, and not among the rows.
    """
    api = UploadCorrections(pool, principal, upload_id)

    def read(connection: Connection) -> dict[str, Any]:
        upload = upload_queries.get_visible_upload(connection, principal, upload_id)
        summary = upload_queries.get_summary(connection, principal, upload_id, MAX_GROUPS)
        counts = corrections.count_open_rows_of_groups(connection, upload_id)
        groups, valid_group = build_group_views(summary.groups, counts)
        members = {
            view.group.id: validation_errors.get_group_members(connection, upload_id, view.group.id or 0)
            for view in groups[:GROUPS]
            if view.has_all_drafts
        }
        file_details = upload_queries.get_file_details(connection, principal, upload_id)
        return {
            "upload": schemas.upload_response(upload),
            "file_details": file_details,
            "spreadsheet_row": get_spreadsheet_row_function(file_details),
            "groups": groups[:GROUPS],
            "members": {group: group_members.row_numbers for group, group_members in members.items() if group_members},
            "more_groups": len(groups) - len(groups[:GROUPS]) + summary.more,
            "valid_group": valid_group,
        }

    values = principal.run(pool, read)
    members = values.pop("members")
    summary, ready_rows = api.get_summary_and_ready_rows()
    values["groups"] = [
        replace(view, is_ready=len(ready_rows.intersection(members.get(view.group.id, ()))) == view.counts.open)
        for view in values["groups"]
    ]
    upload = values["upload"]
    get_header = schemas.header_function(schemas.parse_file_details(values["file_details"]))
    row_numbers = list(unsaved_rows) if unsaved_rows else None
    page = api.list_rows(state=state, group=group, row_numbers=row_numbers, is_valid=False, cursor=cursor, limit=limit)
    is_whole = upload.on_error is OnError.REJECT_FILE
    # Such a file cannot be imported from the browser.
    is_by_file = is_whole and summary.not_editable > 0
    is_finished = upload.status != UploadStatus.PROCESSING
    return {
        **values,
        "corrections": summary,
        "rows": [build_row_view(row, get_header, (unsaved_rows or {}).get(row.row_number)) for row in page.items],
        "next_rows": page.next,
        "is_whole": is_whole,
        "is_by_file": is_by_file,
        "is_editable": not principal.is_operator and may_write(principal) and is_finished and not is_by_file,
        "category_names": list_active_categories(principal, pool).items,
        "filters": {"group": str(group or ""), "state": state or "", "cursor": cursor or ""},
    }


@router.get("")
def show_corrections(
    upload_id: UploadId,
    request: Request,
    principal: Reader,
    pool: PoolDep,
    *,
    state: CorrectionState | Blank = "",
    group: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
    cursor: Cursor = None,
    notice: CorrectionNotice = "",
    rows: Annotated[int, Query(ge=0, le=10_000)] = 0,
) -> Response:
    """Show the groups of errors and a page of the rejected rows, optionally of a group or a state."""
    selected_state = state if isinstance(state, CorrectionState) else None
    values = load_work_list(
        pool, principal, upload_id, state=selected_state, group=group, cursor=cursor, limit=MAX_ROWS
    )
    conditions = {name: str(value) for name, value in {"state": state, "group": group or ""}.items() if value}
    return render_page(
        "corrections.html",
        request,
        principal,
        **values,
        **page_links(f"/uploads/{upload_id}/corrections", conditions, cursor, values["next_rows"]),
        correction_notice=notice,
        notice_rows=rows,
        problem=None,
    )


@router.post("")
def save_corrections(
    upload_id: UploadId, request: Request, principal: VendorWriter, pool: PoolDep, fields: FormFields
) -> Response:
    """Save the edited rows of the form; with the button to import also import all rows that are ready."""
    api = UploadCorrections(pool, principal, upload_id)
    form = CorrectionForm.parse(fields)
    is_current = form.version in {None, api.get_summary().version} if form.is_import else True
    edits = form.list_edits(api.list_rows(row_numbers=list(form.rows), limit=MAX_ROWS).items)
    result = api.save_edits(edits) if edits else None
    if result is not None and result.conflicts:
        cells = {edit.row_number: edit.cells for edit in edits}
        unsaved_rows = {row.row_number: cells[row.row_number] for row in result.conflicts}
        problem = "Somebody else changed these rows meanwhile. Choose which values to keep."
        return _render_problem(upload_id, request, principal, pool, problem=problem, unsaved_rows=unsaved_rows)
    if form.discarded_row is not None:
        api.delete_drafts([form.discarded_row])
        return RedirectResponse(return_url(upload_id, fields, notice="discarded"), status_code=303)
    if form.is_import:
        # The edits of the form itself have changed the version.
        version = result.version if result is not None and is_current else form.version
        return _submit(upload_id, request, principal, pool, version)
    return RedirectResponse(return_url(upload_id, fields, notice="saved"), status_code=303)


@router.post("/fill")
def fill_group(
    upload_id: UploadId, request: Request, principal: VendorWriter, pool: PoolDep, fields: FormFields
) -> Response:
    """Enter one value, or the suggestion of each row, in the rows of a group of errors; or check or overwrite them."""
    api = UploadCorrections(pool, principal, upload_id)
    value = fields.get("value", "") if fields.get("use") == "value" else None
    try:
        body = FillRequest.model_validate(
            {
                "group": fields.get("group_id"),
                "column": fields.get("column"),
                "value": value,
                "remember": "remember" in fields,
                "version": fields.get("version"),
            }
        )
    except ValidationError:
        api.list_rows(limit=1)
        return RedirectResponse(return_url(upload_id, fields, notice="no-value"), status_code=303)
    if fields.get("use") == "again":
        _check_again(api, body.group)
        return RedirectResponse(return_url(upload_id, fields, notice="saved"), status_code=303)
    if fields.get("use") == "overwrite":
        _overwrite(api, body.group)
        return RedirectResponse(return_url(upload_id, fields, notice="saved"), status_code=303)
    try:
        rows = api.fill_group(body).rows
    except Problem as problem:
        if problem.kind != "conflict":
            raise
        return _render_problem(upload_id, request, principal, pool, problem=problem.detail)
    return RedirectResponse(return_url(upload_id, fields, notice="filled", rows=str(rows)), status_code=303)


def _check_again(api: UploadCorrections, group: int) -> None:
    """Save drafts without edits of the rows that have none, so that they are imported if they are valid now."""
    rows = api.list_rows(state=CorrectionState.OPEN, group=group, limit=corrections.MAX_ROWS).items
    edits = [CorrectionEdit(row.row_number, {}, 0) for row in rows if row.is_editable and not row.revision]
    if edits:
        api.save_edits(edits)


def _overwrite(api: UploadCorrections, group: int) -> None:
    """Save drafts without the versions of the rows, which then overwrite their products."""
    rows = api.list_rows(state=CorrectionState.OPEN, group=group, limit=corrections.MAX_ROWS).items
    edits = [
        CorrectionEdit(row.row_number, {**row.edited_cells, VERSION: ""}, row.revision)
        for row in rows
        if row.is_editable
    ]
    if edits:
        api.save_edits(edits)


@router.post("/discard")
def discard_changes(upload_id: UploadId, principal: VendorWriter, pool: PoolDep, fields: FormFields) -> Response:
    """Discard the changes of all open rows."""
    UploadCorrections(pool, principal, upload_id).delete_drafts()
    return RedirectResponse(return_url(upload_id, fields, notice="discarded"), status_code=303)


@router.post("/submit")
def continue_import(upload_id: UploadId, request: Request, principal: VendorWriter, pool: PoolDep) -> Response:
    """Continue an interrupted import of rows."""
    return _submit(upload_id, request, principal, pool)


def _submit(
    upload_id: str, request: Request, principal: Principal, pool: DatabasePool, version: str | None = None
) -> Response:
    try:
        UploadCorrections(pool, principal, upload_id).submit(version)
    except Problem as problem:
        if problem.kind != "conflict":
            raise
        return _render_problem(upload_id, request, principal, pool, problem=problem.detail)
    return RedirectResponse(f"/uploads/{upload_id}?notice=importing#corrections", status_code=303)


def _render_problem(
    upload_id: str,
    request: Request,
    principal: Principal,
    pool: DatabasePool,
    *,
    problem: str,
    unsaved_rows: Mapping[int, Mapping[str, str]] | None = None,
) -> Response:
    """Show why rows were not saved or imported, with the rows that somebody else has changed meanwhile."""
    state = None if unsaved_rows else CorrectionState.OPEN
    return render_page(
        "corrections.html",
        request,
        principal,
        status=409,
        **load_work_list(pool, principal, upload_id, state=state, limit=MAX_ROWS, unsaved_rows=unsaved_rows),
        **page_links(f"/uploads/{upload_id}/corrections", {}, None, None),
        correction_notice="",
        notice_rows=0,
        problem=problem,
    )
