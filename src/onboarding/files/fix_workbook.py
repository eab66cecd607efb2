"""Writer of the fix file as a workbook: text cells, with the wrong ones coloured and explained in comments.

Written with XlsxWriter: openpyxl needs several times as long, which is too slow for error-processor, and it cannot tell
Excel that numbers are meant as text. Import it on use: few functions need it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import BinaryIO

from xlsxwriter import Workbook

from onboarding.domain.models import RowError
from onboarding.domain.product_changes import VERSION
from onboarding.domain.product_schema import CHOICES
from onboarding.files.fix_file import FixFileSource, FixLine
from onboarding.files.header import FIX_COLUMNS, list_names
from onboarding.files.models import MAX_COLUMNS
from onboarding.files.parser import MAX_ROWS
from onboarding.files.workbook_text import build_cell_text, replace_not_writable

MAX_COMMENTS = 2_000
"""Maximum number of comments: LibreOffice takes more than a minute to open a file with 10,000."""

_WRONG_COLOUR = "#FFC7CE"
"""Background of a wrong cell; black has a contrast of 14:1 on it."""

_WIDTHS = {"_upload": 9, "_row": 6, "_errors": 40, "_hint": 30}
_MIN_WIDTH, _MAX_WIDTH = 12, 40

_COMMENT_WIDTH, _LINE_HEIGHT, _CHARACTERS_A_LINE = 320, 18, 45

# The time in the properties of the workbook is fixed: two processes write equal files.
_CREATED_AT = datetime(2000, 1, 1, tzinfo=UTC)

_ALL_CELLS = "A1:XFD1048576"


class FixWorkbook:
    """Fix file as a workbook, with the columns of the CSV file and a sheet of the categories.

    Values are not escaped, except those that reading would unescape. Equal content results in equal files.
    """

    def __init__(self, file: BinaryIO, source: FixFileSource) -> None:
        """Write the header."""
        additional_names = [*FIX_COLUMNS, *source.details]
        self._positions: dict[str, int] = {}
        for index, name in enumerate(list_names(source.table.header), len(additional_names)):
            columns = VERSION if name == VERSION else source.columns.get(name)
            if columns is not None and index < MAX_COLUMNS:
                for column in columns.split(", "):
                    self._positions.setdefault(column, index)
        self._comment_count, self._row = 0, 0
        # Constant memory: the rows are kept in a temporary file.
        self._book = Workbook(file, {"constant_memory": True})
        self._book.set_properties({"created": _CREATED_AT})
        self._text = self._book.add_format({"num_format": "@"})
        self._wrong = self._book.add_format({"num_format": "@", "bg_color": _WRONG_COLOUR})
        self._sheet = self._book.add_worksheet("Products")
        self._sheet.freeze_panes(1, 0)
        # Excel must not offer to convert text to numbers: zeros would be lost.
        self._sheet.ignore_errors({"number_stored_as_text": _ALL_CELLS})
        self._add_categories(source.categories)
        for column, choices in CHOICES.items():
            self._add_choice(column, list(choices))
        header = [*additional_names, *source.table.header][:MAX_COLUMNS]
        for index, name in enumerate(header):
            width = _WIDTHS.get(name) or min(max(len(name) + 2, _MIN_WIDTH), _MAX_WIDTH)
            # The format is also for values that are entered into blank cells.
            self._sheet.set_column(index, index, width, self._text)
        bold = self._book.add_format({"num_format": "@", "bold": True})
        for index, name in enumerate(header):
            self._sheet.write_string(0, index, build_cell_text(name), bold)

    def _add_categories(self, categories: Sequence[str]) -> None:
        """Add a sheet of the categories, and a list of them to choose from in the cells of the column."""
        # The parser skips sheets whose name begins with `_`.
        sheet = self._book.add_worksheet("_Categories")
        for row, name in enumerate(categories):
            sheet.write_string(row, 0, name, self._text)
        if categories:
            self._add_choice("category", f"=_Categories!$A$1:$A${len(categories)}")

    def _add_choice(self, column: str, source: list[str] | str) -> None:
        """Add a list to choose from to the cells of a column: values, or the range of cells that has them."""
        index = self._positions.get(column)
        if index is not None:
            # Other values are permitted: a mapping may translate them.
            choice = {"validate": "list", "source": source, "show_error": False}
            self._sheet.data_validation(1, index, MAX_ROWS, index, choice)

    def write(self, line: FixLine) -> None:
        """Write a line with all values in file order."""
        explanations = self._explain(line.errors)
        self._row += 1
        values = [*line.additional_values, *line.values]
        # A row may be shorter or longer than others.
        values += [""] * (max(explanations, default=-1) + 1 - len(values))
        for index, value in enumerate(values[:MAX_COLUMNS]):
            cell_format = self._wrong if index in explanations else self._text
            if value:
                self._sheet.write_string(self._row, index, build_cell_text(value), cell_format)
            elif index in explanations:
                # Other blank cells have the format of their column.
                self._sheet.write_blank(self._row, index, None, cell_format)
        for index, texts in sorted(explanations.items()):
            if self._comment_count < MAX_COMMENTS:
                self._comment_count += 1
                self._add_comment(index, "\n".join(texts))

    def close(self) -> None:
        """Write the workbook into the file, which stays open."""
        self._book.close()

    def _add_comment(self, index: int, text: str) -> None:
        """Add a comment to a cell of the current row that is large enough for its text."""
        line_count = 1 + sum(len(line) // _CHARACTERS_A_LINE + 1 for line in text.splitlines())
        options = {"author": "Product onboarding", "width": _COMMENT_WIDTH}
        options["height"] = line_count * _LINE_HEIGHT
        self._sheet.write_comment(self._row, index, replace_not_writable(text), options)

    def _explain(self, errors: Sequence[RowError]) -> dict[int, list[str]]:
        """Return the message and hint of each error, by the indexes of its cells."""
        texts: dict[int, list[str]] = {}
        for error in errors:
            text = f"{error.message}. {error.hint}" if error.hint else error.message
            columns = map(str.strip, error.field.split(","))
            # An error of two columns may concern one cell.
            for index in {self._positions[column] for column in columns if column in self._positions}:
                texts.setdefault(index, []).append(text)
        return texts
