"""Invariants of corrections: the links of fix files, and the numbers of fixed rows that follow from all outcomes."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from onboarding.domain.corrections import CorrectionState
from onboarding.files.models import FileDetails
from onboarding.storage import corrections, uploads
from onboarding.storage.database import Connection
from tests.faults.simulation import Simulation, violation
from tests.faults.upload_files import File, FixFile

RowKey = tuple[str, int]
Link = tuple[RowKey, RowKey]
"""A row, and the rejected row of an earlier upload that it corrects."""


class Links:
    """The links that fix files should have, from the files and the outcomes of all rows.

    `errors` has the errors by upload and row number, `history` the rows of `upload_history` by upload.
    """

    def __init__(
        self, files: Mapping[str, File], history: Mapping[str, Mapping[str, Any]], errors: Mapping[str, Any]
    ) -> None:
        self.files, self.history, self.errors = files, history, errors
        self.by_upload: dict[str, set[Link]] = {}
        for upload_id in files:
            self._find(upload_id)

    def get_parent(self, upload_id: str) -> str | None:
        """Return the upload that a fix file names, if it is one of its vendor's."""
        file, named = self.files[upload_id], None
        if isinstance(file, FixFile):
            named = next((name for name, _ in file.parents if name), None)
        is_own = named is not None and named in self.files and self.files[named].vendor_id == file.vendor_id
        return named if is_own else None

    def _find(self, upload_id: str) -> set[Link]:
        if upload_id not in self.by_upload:
            links: set[Link] = set()
            parent, file = self.get_parent(upload_id), self.files[upload_id]
            if isinstance(file, FixFile) and parent is not None and not self.history[upload_id]["failure_code"]:
                details = FileDetails.from_json(self.history[parent]["file_details"])
                rejected = {details.line_of(number): number for number in self.errors[parent]}
                for row_number, (name, line) in enumerate(file.parents, 1):
                    corrected = rejected.get(int(float(line))) if name == parent and line else None
                    if corrected is not None:
                        links.add(((upload_id, row_number), (parent, corrected)))
                        earlier = (link for link in self._find(parent) if link[0] == (parent, corrected))
                        links |= {((upload_id, row_number), source) for _, source in earlier}
            self.by_upload[upload_id] = links
        return self.by_upload[upload_id]

    def list_all(self) -> Iterator[Link]:
        for links in self.by_upload.values():
            yield from links

    def is_accepted(self, row: RowKey) -> bool:
        upload_id, row_number = row
        is_counted = self.history[upload_id]["status"] != "processing" and not self.history[upload_id]["undone_at"]
        return is_counted and row_number not in self.errors[upload_id]


def check_corrections(
    simulation: Simulation,
    files: Mapping[str, File],
    history: Mapping[str, Mapping[str, Any]],
    errors: Mapping[str, Any],
) -> None:
    """Raise InvariantViolated for a wrong link of a fix file, or a wrong number of corrected rows."""
    query = "select upload_id, row_number, corrected_upload_id, corrected_row from row_corrections"
    rows = simulation.runtime.fetch(query)
    if not rows and not any(isinstance(file, FixFile) for file in files.values()):
        return
    stored = [((upload_id, number), (corrected, row)) for upload_id, number, corrected, row in rows]
    for (upload_id, _), (corrected, row) in stored:
        if files[upload_id].vendor_id != files[corrected].vendor_id or row not in errors[corrected]:
            raise violation("a link names a rejected row of an upload of the same vendor", upload_id, corrected, row)
    links = Links(files, history, errors)
    if sorted(stored) != sorted(links.list_all()):
        difference = set(stored) ^ set(links.list_all())
        raise violation("an upload has the links of its fix file, once", sorted(difference) or "repeated")
    for upload_id, row in history.items():
        # A file that was rejected while it was parsed names no parent.
        expected = links.get_parent(upload_id) if links.by_upload[upload_id] else None
        if row["parent_upload_id"] != expected and not row["failure_code"]:
            raise violation("the parent of an upload is the one whose rejected rows its file names", row, expected)
    simulation.mappings.run(lambda connection: _check_counts(connection, links))


def _check_counts(connection: Connection, links: Links) -> None:
    fixes: dict[RowKey, list[RowKey]] = defaultdict(list)
    for fix, corrected_row in links.list_all():
        fixes[corrected_row].append(fix)
    for upload_id, row in links.history.items():
        rejected = links.errors[upload_id]
        fixed = {number for number in rejected if any(map(links.is_accepted, fixes[upload_id, number]))}
        upload = uploads.get_upload(connection, upload_id)
        assert upload is not None
        if not upload.fixed_records == len(fixed) <= row["error_records"]:
            raise violation("fixed rows are rejected rows that others accepted", upload, sorted(fixed))
        counts = corrections.count_rejected_rows(connection, upload_id)
        total = counts.open + counts.importing + counts.fixed + counts.rejected_again
        if (counts.fixed, counts.importing, total) != (len(fixed), 0, row["error_records"]):
            raise violation("each rejected row has one state", upload_id, counts, sorted(fixed))
        for rejected_row in corrections.list_rejected_rows(connection, upload_id):
            correcting = [name for name, _ in fixes[upload_id, rejected_row.row_number]]
            if (rejected_row.state is CorrectionState.FIXED) != (rejected_row.row_number in fixed) or (
                rejected_row.correcting_upload_id not in {None, *correcting}
            ):
                raise violation("the state of a rejected row follows from the outcomes", upload_id, rejected_row)
        _check_children(connection, links, upload_id, fixes)


def _check_children(connection: Connection, links: Links, upload_id: str, fixes: Mapping[RowKey, list[RowKey]]) -> None:
    linked: Counter[str] = Counter()
    accepted: Counter[str] = Counter()
    for number in links.errors[upload_id]:
        rows = fixes.get((upload_id, number), [])
        linked.update({name for name, _ in rows})
        accepted.update({row[0] for row in rows if links.is_accepted(row)})
    children = corrections.list_correcting_uploads(connection, upload_id)
    stored = {child.upload_id: (child.rows, child.accepted) for child in children}
    if stored != {name: (linked[name], accepted[name]) for name in linked}:
        raise violation("a correcting upload counts each corrected row once", upload_id, stored, linked, accepted)
