"""Labels and values of file details on pages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from onboarding.files.models import FileDetails
from onboarding.web.schemas import FileDetailsResponse, parse_file_details, spreadsheet_row_function


@dataclass(frozen=True, slots=True)
class Detail:
    """One detail of how a file was read."""

    name: str
    value: str


def list_details(response: FileDetailsResponse) -> list[Detail]:
    """Return the details with a value; none for a file that could not be read."""
    if response.details is None:
        return []
    details = FileDetails.from_json(response.details)
    renamed = [f"{header} → {column}" for header, column in details.columns.items() if header.strip() != column]
    items = [
        Detail("Format", details.format.upper()),
        Detail("Encoding", details.encoding or ""),
        Detail("Delimiter", details.delimiter or ""),
        Detail("Sheet", details.sheet or ""),
        Detail("Header", f"line {details.header_line}"),
        Detail("Columns", f"{len(details.columns)} recognised"),
        Detail("Column mapping", ", ".join(renamed)),
        Detail("Ignored columns", ", ".join(details.unknown)),
        Detail("Decimal comma", ", ".join(details.decimal_commas)),
        Detail("File type", "Fix file" if details.fix_file else "Export of products" if details.is_export else ""),
    ]
    return [item for item in items if item.value]


def get_spreadsheet_row_function(response: FileDetailsResponse) -> Callable[[int], int]:
    """Return the function that converts a data row to its row in a spreadsheet."""
    return spreadsheet_row_function(parse_file_details(response))
