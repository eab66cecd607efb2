"""The form with the table of rejected rows, as browsers without JavaScript send it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlencode

from onboarding.domain.corrections import CorrectionEdit, CorrectionState
from onboarding.web.correction_schemas import EDITABLE_COLUMNS, MAX_ROWS, MAX_TEXT, CorrectionRowResponse
from onboarding.web.errors import Problem

FILTERS = ("group", "state", "cursor")


@dataclass(frozen=True, slots=True)
class PostedRow:
    """A row of the form: its cells by column, and the revision of the draft that the page has shown."""

    revision: int
    cells: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CorrectionForm:
    """The rows of the form by row number.

    `is_theirs`: rows of which the vendor takes the values that somebody else has stored. `version` is that of the
    drafts that the page has shown. The changes of `discarded_row` are discarded.
    """

    rows: Mapping[int, PostedRow]
    is_theirs: frozenset[int]
    is_import: bool
    version: str | None = None
    discarded_row: int | None = None

    @classmethod
    def parse(cls, fields: Mapping[str, str]) -> Self:
        """Return the form with these fields: `revision:ROW`, `cell:ROW:COLUMN`, `theirs:ROW`, `action`, `use`,
        `version` and `discard`.

        Raises the problem `bad-request`.
        """
        rows: dict[int, PostedRow] = {}
        is_theirs = set()
        cells: dict[tuple[int, str], str] = {}
        try:
            for name, text in fields.items():
                kind, *parts = name.split(":")
                if kind == "revision":
                    rows[int(parts[0])] = PostedRow(int(text))
                elif kind == "theirs":
                    is_theirs.add(int(parts[0]))
                elif kind == "cell":
                    cells[int(parts[0]), parts[1]] = text
            if fields.get("use"):
                # The button of a suggestion.
                row_number, column, suggestion = fields["use"].split(":", 2)
                cells[int(row_number), column] = suggestion
            discarded_row = int(fields["discard"]) if fields.get("discard") else None
            for (row_number_of_cell, column), text in cells.items():
                rows[row_number_of_cell].cells[column] = _normalize(text)
        except (ValueError, IndexError, KeyError) as error:
            raise Problem("bad-request", "The form is not valid. Reload the page and try again.") from error
        is_valid = all(
            column in EDITABLE_COLUMNS and len(text) <= MAX_TEXT and "\0" not in text
            for (_, column), text in cells.items()
        )
        if not is_valid or len(rows) > MAX_ROWS or any(not 0 < number < 2**31 for number in rows):
            raise Problem("bad-request", f"The form is not valid; a value may have up to {MAX_TEXT:,} characters.")
        return cls(rows, frozenset(is_theirs), fields.get("action") == "import", fields.get("version"), discarded_row)

    def list_edits(self, stored_rows: Sequence[CorrectionRowResponse]) -> list[CorrectionEdit]:
        """Return the edits of the rows whose cells the vendor has changed."""
        edits = []
        for row in stored_rows:
            posted = self.rows[row.row_number]
            if row.state is not CorrectionState.OPEN or row.row_number in {*self.is_theirs, self.discarded_row}:
                continue
            stored = {**row.cells, **row.edited_cells}
            if posted.revision == row.revision:
                changes = _list_changes(posted.cells, stored)
                cells = {**row.edited_cells, **changes}
            else:
                # The page has shown an earlier draft, or none.
                changes = cells = _list_changes(posted.cells, row.cells)
            if changes:
                edits.append(CorrectionEdit(row.row_number, cells, posted.revision))
        return edits


def _list_changes(cells: Mapping[str, str], stored: Mapping[str, str]) -> dict[str, str]:
    return {column: text for column, text in cells.items() if text != _normalize(stored.get(column, ""))}


def _normalize(text: str) -> str:
    # Browsers send line breaks of a form as CR and LF.
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def return_url(upload_id: str, fields: Mapping[str, str], **notice: str) -> str:
    """Return the address of the page with the form: that of the upload, or of its rejected rows with their filters."""
    url = f"/uploads/{upload_id}"
    parameters = dict(notice)
    if fields.get("page") == "rows":
        url += "/corrections"
        parameters |= {name: fields[name] for name in FILTERS if fields.get(name)}
    return f"{url}?{urlencode(parameters)}#corrections"
