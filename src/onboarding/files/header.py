"""Header of a product file: its names with the columns that they feed, and the columns of a fix file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from onboarding.domain.column_types import ColumnType
from onboarding.domain.mapped_numbers import MappedNumberFormat
from onboarding.domain.mappings import FileHeader, HeaderMapping, HeaderSource, SavedMapping, normalize_key
from onboarding.domain.product_changes import VERSION
from onboarding.domain.product_schema import NUMBER_COLUMNS, columns_of_type
from onboarding.files.formula_escaping import unescape_formula
from onboarding.files.header_names import MAX_NAME_LENGTH, is_own_name, unwrap_text_formula
from onboarding.files.models import MAX_COLUMNS, CorrectedRows, one_line

UPLOAD_REFERENCE = "_upload"
"""Additional column of a fix file: the upload whose rows it corrects."""

ROW_NUMBER = "_row"
"""Additional column of a fix file: the spreadsheet row in the upload `UPLOAD_REFERENCE`."""

ERRORS = "_errors"
"""Additional column of a fix file: the messages of the row's errors."""

FIX_COLUMNS = (UPLOAD_REFERENCE, ROW_NUMBER, ERRORS, "_hint")
"""Columns that a fix file has before the vendor's columns."""

FIX_FILE_MARKERS = {ROW_NUMBER, ERRORS}
"""Names by which a fix file is recognized."""

DECIMAL_COMMA = "_decimal_comma"
"""Additional column of a fix file: names of the columns with decimal commas, which the rejected rows may not show."""

DECIMAL_POINT = "not "
"""Prefix of columns in `DECIMAL_COMMA` that have decimal points, which the rejected rows may not show either."""

MAPPING_REFERENCE = "_mapping"
"""Additional column of a fix file: the mapping of its upload."""

_ADDITIONAL_COLUMNS = (*FIX_COLUMNS, DECIMAL_COMMA, MAPPING_REFERENCE)

# A spreadsheet may have made a decimal number of it.
_LINE_NUMBER = re.compile(r"([0-9]{1,7})(?:\.0)?")

ADDRESS_COLUMNS = columns_of_type(ColumnType.URL)


@dataclass(frozen=True, slots=True)
class Header:
    """A parsed header line: its names, and the matching column (or None) of each name.

    Names have no surrounding white space and no control characters. `fix_indexes` are the indexes of the additional
    columns of a fix file. `targets` are those of `mapping`, the mapping of the file. A name that feeds two columns
    matches the first one.
    """

    names: Sequence[str]
    columns: Sequence[str | None]
    fix_indexes: frozenset[int] = frozenset()
    fix_file: bool = False
    mapping: SavedMapping | None = None
    targets: Sequence[HeaderMapping | None] = ()

    @property
    def is_export(self) -> bool:
        """Return whether the file is an export of the catalog, whose values were written by us."""
        return VERSION in self.columns

    @property
    def columns_by_name(self) -> dict[str, str]:
        """Return the column of each known name; several columns are separated by commas."""
        columns: dict[str, str] = {}
        for name, column, target in zip_longest(self.names, self.columns, self.targets):
            if column is not None and column != VERSION:
                columns[name] = ", ".join(target.columns) if target is not None else column
        return columns

    @property
    def copies(self) -> list[tuple[str, str]]:
        """Return the further columns of names that feed several columns, each with the first column of its name."""
        return [
            (column, target.ordered_columns[0])
            for target in self.targets
            if target is not None
            for column in target.ordered_columns[1:]
        ]

    @property
    def number_formats(self) -> dict[str, MappedNumberFormat]:
        """Return the number formats of the mapping, by column."""
        return {
            column: target.number_format
            for target in self.targets
            if target is not None and target.number_format is not None
            for column in target.columns
            if column in NUMBER_COLUMNS
        }

    @property
    def first_address_columns(self) -> list[str]:
        """Return the columns of web addresses of which the first one in a cell is used."""
        if self.mapping is None:
            return []
        keys = set(map(normalize_key, self.mapping.document.first_address))
        columns = [c for name, c in zip(self.names, self.columns, strict=True) if normalize_key(name) in keys]
        return [column for column in columns if column in ADDRESS_COLUMNS]

    @property
    def constants(self) -> dict[str, str]:
        """Return the constants of the mapping, by column."""
        if self.mapping is None:
            return {}
        fed_columns = {*self.columns, *(column for column, _ in self.copies)}
        return {c: text for c, text in self.mapping.document.constants.items() if c not in fed_columns}

    def list_missing(self, required: Sequence[str]) -> list[str]:
        """Return those of the columns that neither a name nor a constant feeds."""
        fed_columns = {*self.columns, *(column for column, _ in self.copies), *self.constants}
        return [column for column in required if column not in fed_columns]

    @property
    def unknown(self) -> list[str]:
        """Return the names without a column, without blanks and repetitions; also those that a mapping ignores."""
        pairs = zip(self.names, self.columns, strict=True)
        return list(dict.fromkeys(name for name, column in pairs if column is None and name))

    @property
    def text_formula_columns(self) -> list[str]:
        """Return the columns whose names and values are in `="…"`, which exports use to mark text for spreadsheets."""
        pairs = zip(self.names, self.columns, strict=True)
        return [column for name, column in pairs if column is not None and name != unwrap_text_formula(name)]

    def describe(self) -> list[FileHeader]:
        """Return all names with their columns and the reasons; blank for the columns of fix files and exports."""
        headers = []
        for index, (name, column, target) in enumerate(zip_longest(self.names, self.columns, self.targets)):
            columns = target.columns if target is not None else (column,) if column is not None else ()
            if target is not None:
                source = HeaderSource.MAPPING
            elif column is None:
                source = HeaderSource.UNKNOWN
            else:
                source = HeaderSource.NAME if is_own_name(name, column) else HeaderSource.SYNONYM
            is_additional = index in self.fix_indexes or column == VERSION
            headers.append(FileHeader("" if is_additional else name, () if is_additional else columns, source))
        return headers

    def without_fix_columns(self) -> Header:
        """Return the header without the additional columns of a fix file."""
        if not self.fix_indexes:
            return self
        indexes = [index for index in range(len(self.names)) if index not in self.fix_indexes]
        return replace(
            self,
            names=[self.names[index] for index in indexes],
            columns=[self.columns[index] for index in indexes],
            fix_indexes=frozenset(),
            targets=[self.targets[index] for index in indexes] if self.targets else (),
        )

    def decimal_columns(self, lines: Sequence[Sequence[str]]) -> tuple[frozenset[str], frozenset[str]]:
        """Return the columns with decimal commas and those with decimal points that a fix file names in its lines."""
        if not self.fix_file or DECIMAL_COMMA not in self.names:
            return frozenset(), frozenset()
        index = self.names.index(DECIMAL_COMMA)
        names = {name.strip() for line in lines for name in "".join(line[index : index + 1]).split(",")}
        points = {name for name in names if name.startswith(DECIMAL_POINT)}
        return frozenset(names - points), frozenset(name.removeprefix(DECIMAL_POINT) for name in points)

    def find_corrected_rows(self, lines: Sequence[Sequence[str]]) -> CorrectedRows | None:
        """Return the rows of another upload that the lines of a fix file correct; None if they name no upload.

        The first line that names an upload decides; lines that name another one correct no row.
        """
        if not self.fix_file or UPLOAD_REFERENCE not in self.names:
            return None
        upload_index, row_index = self.names.index(UPLOAD_REFERENCE), self.names.index(ROW_NUMBER)
        uploads = ["".join(line[upload_index : upload_index + 1]).strip() for line in lines]
        upload_id = next(filter(None, uploads), "")
        numbers = (_LINE_NUMBER.fullmatch("".join(line[row_index : row_index + 1]).strip()) for line in lines)
        corrected_lines = [
            int(number[1]) if number is not None and name == upload_id else None
            for number, name in zip(numbers, uploads, strict=True)
        ]
        return CorrectedRows(upload_id, corrected_lines) if upload_id else None

    def strip_fix_columns(self, line: list[str]) -> list[str]:
        """Return a line without the additional columns of a fix file, and without its or an export's escaping."""
        if not self.fix_indexes and not self.is_export:
            return line
        return [unescape_formula(value) for index, value in enumerate(line) if index not in self.fix_indexes]


def list_names(values: Sequence[str]) -> list[str]:
    """Return the names of a header line, in the form in which they are displayed and stored."""
    # On one line and without control characters.
    names = [one_line(value, MAX_NAME_LENGTH) for value in values[: MAX_COLUMNS + 1]]
    while names and not names[-1]:
        names.pop()
    return list(map(unescape_formula, names)) if set(names) >= FIX_FILE_MARKERS else names


def find_fix_columns(names: Sequence[str]) -> frozenset[int]:
    """Return the indexes of the additional columns of a fix file; none for other files."""
    if not set(names) >= FIX_FILE_MARKERS:
        return frozenset()
    # The first of equal names: a column of the vendor may have the same name, after those of the fix file.
    return frozenset(names.index(name) for name in _ADDITIONAL_COLUMNS if name in names)
