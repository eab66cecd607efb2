"""The form with the table of rejected rows: its fields, and the edits that they mean."""

from __future__ import annotations

import pytest

from onboarding.domain.corrections import CorrectionEdit, CorrectionState
from onboarding.web.correction_schemas import CorrectionRowResponse
from onboarding.web.errors import Problem
from onboarding.web.portal.correction_form import CorrectionForm, return_url


def stored_row(**fields: object) -> CorrectionRowResponse:
    values: dict[str, object] = {
        "row_number": 5,
        "spreadsheet_row": 6,
        "state": CorrectionState.OPEN,
        "correcting_upload_id": None,
        "is_valid": False,
        "is_editable": True,
        "cells": {"price": "free", "description": "two\r\nlines"},
        "edited_cells": {},
        "revision": 0,
        "updated_by": None,
        "updated_at": None,
        "errors": [],
    }
    return CorrectionRowResponse.model_validate(values | fields)


UNCHANGED = {"revision:5": "0", "cell:5:price": "free", "cell:5:description": "two\r\nlines", "cell:5:brand": ""}


def test_form_without_changes_has_no_edits() -> None:
    assert CorrectionForm.parse(UNCHANGED).list_edits([stored_row()]) == []


def test_form_lists_changed_cells_only() -> None:
    form = CorrectionForm.parse({**UNCHANGED, "cell:5:price": "12"})
    assert form.list_edits([stored_row()]) == [CorrectionEdit(5, {"price": "12"}, 0)]


def test_form_keeps_other_edits_of_the_draft() -> None:
    form = CorrectionForm.parse({**UNCHANGED, "revision:5": "2", "cell:5:price": "12", "cell:5:brand": "B"})
    row = stored_row(edited_cells={"price": "12"}, revision=2)
    assert form.list_edits([row]) == [CorrectionEdit(5, {"price": "12", "brand": "B"}, 2)]


def test_form_of_an_earlier_draft_lists_edits_with_the_earlier_revision() -> None:
    row = stored_row(edited_cells={"price": "1"}, revision=1)
    assert CorrectionForm.parse({**UNCHANGED, "cell:5:price": "2"}).list_edits([row]) == [
        CorrectionEdit(5, {"price": "2"}, 0)
    ]
    # The vendor has not edited the row that somebody else has edited meanwhile.
    assert CorrectionForm.parse(UNCHANGED).list_edits([row]) == []


def test_form_with_their_values_has_no_edit_of_the_row() -> None:
    form = CorrectionForm.parse({**UNCHANGED, "cell:5:price": "2", "theirs:5": "on"})
    assert form.list_edits([stored_row()]) == []


def test_button_of_a_suggestion_is_an_edit() -> None:
    form = CorrectionForm.parse({**UNCHANGED, "use": "5:price:1:50"})
    assert form.list_edits([stored_row()]) == [CorrectionEdit(5, {"price": "1:50"}, 0)]


@pytest.mark.parametrize(
    "fields",
    [
        {"revision:x": "0"},
        {"revision:5": "x"},
        {"cell:5:price": "1"},
        {"revision:5": "0", "cell:5:nothing": "1"},
        {"revision:5": "0", "cell:5:price": "1" * 10_001},
        {"revision:5": "0", "use": "5"},
        {f"revision:{2**31}": "0"},
        {f"revision:{number}": "0" for number in range(1, 202)},
    ],
)
def test_invalid_form_is_a_problem(fields: dict[str, str]) -> None:
    with pytest.raises(Problem):
        CorrectionForm.parse(fields)


def test_return_url_keeps_the_filters_of_the_page_with_the_rows() -> None:
    assert return_url("U1", {"group": "7"}, notice="saved") == "/uploads/U1?notice=saved#corrections"
    fields = {"page": "rows", "group": "7", "state": "", "cursor": "abc"}
    assert (
        return_url("U1", fields, notice="saved")
        == "/uploads/U1/corrections?notice=saved&group=7&cursor=abc#corrections"
    )
