"""Product template with every column and a sample row, as CSV or workbook."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from onboarding.domain.product_schema import CHOICES, COLUMNS, PRODUCT_SCHEMA, REQUIRED, sample_row
from onboarding.files.parser import MAX_ROWS


def build_csv_template(categories: Sequence[str]) -> bytes:
    """Return the header and a sample row as CSV, in UTF-8 with a byte order mark, so that Excel keeps the encoding."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerow(sample_row(categories))
    return text.getvalue().encode("utf-8-sig")


def build_xlsx_template(categories: Sequence[str]) -> bytes:
    """Return a workbook with the product sheet, a description of the columns, and the categories to choose from.

    All cells of the product sheet are text, so that Excel does not change IDs and SKUs.
    """
    # Imported on use: slow to import, and needed only here.
    from openpyxl import Workbook  # noqa: PLC0415
    from openpyxl.styles import Font  # noqa: PLC0415
    from openpyxl.utils import get_column_letter  # noqa: PLC0415
    from openpyxl.worksheet.datavalidation import DataValidation  # noqa: PLC0415

    book = Workbook()
    products = book.active
    assert products is not None, "a new workbook has a sheet"  # noqa: S101
    products.title = "Products"
    sample = sample_row(categories)
    products.append(list(COLUMNS))
    products.append([sample[column] for column in COLUMNS])
    for position, name in enumerate(COLUMNS, 1):
        letter = get_column_letter(position)
        products.column_dimensions[letter].width = max(len(name), len(sample[name])) + 2
        products.column_dimensions[letter].number_format = "@"
        products.cell(1, position).font = Font(bold=True)
        products.cell(2, position).number_format = "@"
    products.freeze_panes = "A2"

    # The parser skips sheets whose name begins with `_`.
    columns = book.create_sheet("_Columns")
    columns.append(["Column", "Required", "Takes", "Example", "Meaning"])
    for column in PRODUCT_SCHEMA.values():
        is_required = "yes" if column.name in REQUIRED else "no"
        columns.append([column.name, is_required, column.limits.replace("`", ""), column.example, column.description])

    list_sheet = book.create_sheet("_Categories")
    for name in categories:
        list_sheet.append([name])
    lists = {column: f'"{",".join(choices)}"' for column, choices in CHOICES.items()}
    if categories:
        lists["category"] = f"_Categories!$A$1:$A${len(categories)}"
    for column_name, formula in lists.items():
        choice = DataValidation("list", formula1=formula, allow_blank=True)
        letter = get_column_letter(COLUMNS.index(column_name) + 1)
        choice.add(f"{letter}2:{letter}{MAX_ROWS + 1}")
        products.add_data_validation(choice)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()
