"""Output of `onboarding validate`."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from onboarding.cli.mapping_options import describe_mapping
from onboarding.cli.output import Column, format_count, print_line, print_table
from onboarding.domain.catalog import ValueChange
from onboarding.domain.error_codes import RowErrorCode
from onboarding.domain.error_summary import summarize_errors
from onboarding.domain.json_objects import from_json
from onboarding.domain.mappings import normalize_key
from onboarding.domain.models import Outcome, RowError
from onboarding.domain.product_schema import CHOICES
from onboarding.domain.upload_changes import ProductChange, describe_change, format_price_move
from onboarding.files.models import one_line
from onboarding.pipeline.upload_mappings import INLINE_ID

MAX_TABLE_ROWS = 50
"""Rows of a table; `--json` has all."""

MAX_SUGGESTED_OPTIONS = 5

MAX_CHANGE_LENGTH = 120


def print_dry_run(result: Mapping[str, Any]) -> None:
    """Print a dry run: the counts, what to map, the groups of errors, and the errors."""
    if result["offline"]:
        print_line("Without the catalog: duplicates in it and changed categories are not detected.", stderr=True)
    if rejection := result["rejection"]:
        print_line(f"Would be rejected: {rejection['reason']} ({rejection['code']})")
        _print_mapping(result)
        _print_missing_columns(result)
        return
    if result["file_description"]:
        print_line(f"Format: {result['file_description']}.")
    _print_mapping(result)
    for warning in result["warnings"]:
        print_line(f"Warning: {warning['message']}.")
    counts = {outcome: result.get(f"{outcome}_records", 0) for outcome in Outcome}
    outcomes = ", ".join(f"{count:,} {outcome}" for outcome, count in counts.items() if count)
    valid, total, failed = (result[f"{kind}_records"] for kind in ("valid", "total", "error"))
    print_line(
        f"{valid:,} of {format_count(total, 'row')} {'is' if valid == 1 else 'are'} valid"
        f"{f' ({outcomes})' if outcomes else ''}, {failed:,} {'is' if failed == 1 else 'are'} invalid."
    )
    _print_changes(result)
    _print_unmapped_values(result["unmapped_values"])
    _print_errors(result["errors"])


def _print_mapping(result: Mapping[str, Any]) -> None:
    mapping = result["mapping"]
    if mapping and mapping["mapping_id"] == INLINE_ID:
        mapping = None  # the one of the command line
    if description := describe_mapping(mapping, result["used_values"]):
        print_line(f"{'Mapping' if mapping else 'Mapped values:'} {description}.")


def _print_missing_columns(result: Mapping[str, Any]) -> None:
    """Print the closest header of each missing column, and the options that map it."""
    if not result["missing_columns"]:
        return
    headers = {normalize_key(header["name"]): header for header in result["headers"]}
    closest_headers: dict[str, Mapping[str, Any]] = {}
    for proposal in result["proposals"]:
        for name, target in proposal["document"]["columns"].items():
            if header := headers.get(normalize_key(name)):
                closest_headers = {**dict.fromkeys(target["columns"], header), **closest_headers}
    print_line()
    rows = []
    columns_by_header: dict[str, list[str]] = {}
    for column in result["missing_columns"]:
        header = closest_headers.get(column)
        if header:
            columns_by_header.setdefault(header["name"], [*header["columns"]]).append(column)
        rows.append(
            (column, header and header["name"], header and ", ".join(one_line(text, 30) for text in header["samples"]))
        )
    print_table(
        (Column("Our column"), Column("Closest header in your file", wraps=True), Column("Sample", wraps=True)), rows
    )
    options = [f"{name}={','.join(columns)}" for name, columns in columns_by_header.items()]
    print_line()
    if options:
        print_line(f"To go on, add those of these options that are right: {_join_options('--map', options)}")
    else:
        column = result["missing_columns"][0]
        print_line(f"To go on, name the header of each column: {_join_options('--map', [f'HEADER={column}'])}")


def _print_changes(result: Mapping[str, Any]) -> None:
    """Print what the file would change; the previous version of `admin` does not return it."""
    changes = result.get("changes", [])
    if not changes:
        return
    print_line()
    print_line("Changes, the largest of prices first:")
    print_change_table(changes)
    if more := result["changed_products"] - len(changes):
        print_line(f"and {format_count(more, 'more changed product')}.")


def print_change_table(changes: Sequence[Mapping[str, Any]]) -> None:
    """Print a table of changed products."""
    columns = (Column("Row", "right"), Column("Product", wraps=True), Column("Change", wraps=True))
    rows = [
        (c["spreadsheet_row"] or c["row_number"], c["vendor_product_id"] or "", _describe_changes(c)) for c in changes
    ]
    print_table(columns, rows)


def _describe_changes(change: Mapping[str, Any]) -> str:
    if change["change_type"] == Outcome.CREATED:
        return "new product"
    if not change["changes"]:
        return f"set {', '.join(change['set_columns'])}"
    items = [from_json(ValueChange, item) for item in change["changes"]]
    texts = [one_line(describe_change(item), MAX_CHANGE_LENGTH) for item in items]
    move = from_json(ProductChange, {**change, "changes": items}).price_move
    return "; ".join(texts) + (f" (price {format_price_move(move)})" if move is not None else "")


def _print_unmapped_values(values: Sequence[Mapping[str, Any]]) -> None:
    """Print the values that are not in the list of their column, and the options that map them."""
    if not values:
        return
    print_line()
    print_table(
        (
            Column("Column"),
            Column("Value in your file", wraps=True),
            Column("Rows", "right"),
            Column("Our closest value"),
        ),
        [(v["column"], v["vendor_value"], v["rows"], v["suggestion"]) for v in values[:MAX_TABLE_ROWS]],
    )
    if len(values) > MAX_TABLE_ROWS:
        print_line(f"and {format_count(len(values) - MAX_TABLE_ROWS, 'more value')}.")
    print_line()
    options = [f"{v['column']}:{v['vendor_value']}={v['suggestion']}" for v in values if v["suggestion"]]
    if options:
        suggested = _join_options("--map-value", options[:MAX_SUGGESTED_OPTIONS])
        print_line(f"To map them, add those of these options that are right: {suggested}")
    else:
        example = f"{values[0]['column']}:{values[0]['vendor_value']}=TARGET"
        choices = " or ".join(CHOICES.get(values[0]["column"], ()))
        targets = f"TARGET is {choices}" if choices else "See: onboarding categories list"
        print_line(f"To map them: {_join_options('--map-value', [example])}. {targets}")


def _print_errors(errors: Sequence[Mapping[str, Any]]) -> None:
    """Print the groups of errors, unless each has one row, and the first errors of invalid rows."""
    if not errors:
        return
    summary = summarize_errors((e["spreadsheet_row"], from_json(RowError, e)) for e in errors)
    print_line()
    if any(group.rows > 1 or group.has_valid_rows for group in summary.groups):
        print_line("What to fix, the most frequent first:")
        for sentence in summary.sentences:
            print_line(f"- {sentence}")
        print_line()
    columns = (Column("Row", "right"), Column("Error"), Column("Message", wraps=True), Column("Hint", wraps=True))
    errors = [e for e in errors if e["error_type"] != RowErrorCode.FILE_REJECTED]
    rows = [(e["spreadsheet_row"], e["error_type"], e["message"], e["hint"]) for e in errors[:MAX_TABLE_ROWS]]
    print_table(columns, rows)
    if len(errors) > MAX_TABLE_ROWS:
        print_line(f"and {format_count(len(errors) - MAX_TABLE_ROWS, 'more error')}. All: --json")


def _join_options(option: str, values: Sequence[str]) -> str:
    return " ".join(f"{option} {_quote(value)}" for value in values)


def _quote(text: str) -> str:
    """Return a text as an argument for a shell, in double quotes where these protect it."""
    return shlex.quote(text) if re.search(r'["$`\\!]', text) else f'"{text}"'
