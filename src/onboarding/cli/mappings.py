"""`onboarding mappings`: the remembered mappings of a vendor's headers and values."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from onboarding.cli.errors import CommandError
from onboarding.cli.mapping_options import (
    parse_json_document,
    parse_values,
    read_headers,
    require_headers,
    split_value,
)
from onboarding.cli.options import Json, State
from onboarding.cli.output import Column, format_count, print_json, print_line, print_table
from onboarding.cli.target import connect_admin
from onboarding.domain.mapped_numbers import MappedNumberFormat
from onboarding.domain.mapping_json import document_as_json
from onboarding.domain.mappings import MappingDocument

app = typer.Typer(no_args_is_help=True, help="Mappings of vendors' headers and values to our columns and values.")
values = typer.Typer(no_args_is_help=True, help="Mapped values, of one vendor or of all.")
app.add_typer(values, name="values")

Vendor = Annotated[str, typer.Option("--vendor", help="Vendor ID, such as VEND001.")]
OptionalVendor = Annotated[str | None, typer.Option("--vendor", help="Vendor ID, such as VEND001.")]
AllVendors = Annotated[bool, typer.Option("--all-vendors", help="Mapped values that apply to every vendor.")]
NameOrId = Annotated[str, typer.Argument(metavar="NAME", help="Name or ID of the mapping.")]


@app.command("list")
def list_mappings(vendor: Vendor, as_json: Json = False, state: State = None) -> None:
    """List the mappings of a vendor."""
    result = _run_action(state, "list_mappings", vendor_id=vendor)
    if as_json:
        print_json(result)
        return
    if not result["mappings"]:
        print_line(f"{vendor} has no mappings.")
        return
    columns = (
        Column("Name", wraps=True),
        Column("ID"),
        Column("Version", "right"),
        Column("Headers", "right"),
        Column("Changed"),
        Column("By", wraps=True),
    )
    rows = [
        (m["name"], m["mapping_id"], m["version"], m["headers"], m["updated_at"][:10], m["created_by"])
        for m in result["mappings"]
    ]
    print_table(columns, rows)


@app.command("show")
def show_mapping(mapping: NameOrId, vendor: Vendor, as_json: Json = False, state: State = None) -> None:
    """Show a mapping. Its `document` in the JSON object is the form of a file for `mappings set`."""
    result = _run_action(state, "show_mapping", vendor_id=vendor, mapping=mapping)
    if as_json:
        print_json(result)
        return
    document = parse_json_document(result["document"])
    print_line(f"{result['name'] or 'Mapping for one upload'} ({result['mapping_id']}, version {result['version']})")
    print_line()
    print_table(
        (Column("Header", wraps=True), Column("Our columns", wraps=True), Column("Numbers", wraps=True)),
        [
            (header, ", ".join(target.columns) or "(ignored)", _describe_number_format(target.number_format))
            for header, target in document.columns.items()
        ],
    )
    for line in _describe_document(document):
        print_line(line)


@app.command("set")
def set_mapping(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the mapping.")],
    vendor: Vendor,
    file: Annotated[Path, typer.Option("--file", help="Mapping document (JSON).")],
    headers_of: Annotated[Path, typer.Option("--headers-of", help="Product file with the headers to map.")],
    state: State = None,
) -> None:
    """Remember a mapping for all files of a vendor with the headers of a file.

    An existing mapping for these headers gets a new version and this name. The categories of the document become
    mapped values of the vendor, for all its files.
    """
    try:
        document = parse_json_document(json.loads(file.read_bytes()))
    except ValueError as error:
        raise CommandError(f"{file}: not valid JSON: {error}") from error
    headers = read_headers(headers_of, headers_of.read_bytes(), vendor, document)
    require_headers(document, headers, headers_of)
    mapping = _run_action(
        state, "save_mapping", vendor_id=vendor, document=document_as_json(document), name=name, headers=headers
    )
    print_line(
        f"Mapping '{mapping['name']}' ({mapping['mapping_id']}, version {mapping['version']}) applies to files with "
        f"exactly these {format_count(len(headers), 'header')}: {', '.join(headers)}"
    )


@app.command("delete")
def delete_mapping(mapping: NameOrId, vendor: Vendor, state: State = None) -> None:
    """Delete a mapping: later files are read without it."""
    result = _run_action(state, "delete_mapping", vendor_id=vendor, mapping=mapping)
    print_line(f"Mapping '{result['name']}' ({result['mapping_id']}) was deleted.")


@values.command("list")
def list_values(
    vendor: OptionalVendor = None, all_vendors: AllVendors = False, as_json: Json = False, state: State = None
) -> None:
    """List mapped values."""
    result = _run_action(state, "list_value_mappings", vendor_id=_choose_vendor(vendor, all_vendors=all_vendors))
    if as_json:
        print_json(result)
        return
    if not result["value_mappings"]:
        print_line("No values are mapped.")
        return
    columns = (
        Column("Column"),
        Column("Vendor's value", wraps=True),
        Column("Our value", wraps=True),
        Column("Active"),
    )
    rows = [
        (value["column"], value["vendor_value"], value["target"], "yes" if value["is_active"] else "no")
        for value in result["value_mappings"]
    ]
    print_table(columns, rows)


@values.command("set")
def set_values(
    mapped_values: Annotated[
        list[str],
        typer.Argument(
            metavar="COLUMN:VALUE=TARGET", help="Our value for a value, such as `category:Men=Men's Clothing`."
        ),
    ],
    vendor: OptionalVendor = None,
    all_vendors: AllVendors = False,
    state: State = None,
) -> None:
    """Map values to our values for later files. Earlier mappings of the same values are replaced."""
    translations = parse_values(mapped_values)
    vendor_id = _choose_vendor(vendor, all_vendors=all_vendors)
    _run_action(state, "set_value_mappings", vendor_id=vendor_id, values=translations)
    for column, targets in translations.items():
        for vendor_value, target in targets.items():
            print_line(f"The {column} '{vendor_value}' is mapped to '{target}'.")


@values.command("delete")
def delete_value(
    value: Annotated[str, typer.Argument(metavar="COLUMN:VALUE", help="Mapped value, such as `category:Men`.")],
    vendor: OptionalVendor = None,
    all_vendors: AllVendors = False,
    state: State = None,
) -> None:
    """Delete a mapped value."""
    column, vendor_value = split_value(value)
    vendor_id = _choose_vendor(vendor, all_vendors=all_vendors)
    result = _run_action(state, "delete_value_mapping", vendor_id=vendor_id, column=column, vendor_value=vendor_value)
    print_line(f"The {column} '{result['vendor_value']}' is not mapped to '{result['target']}' any more.")


def _choose_vendor(vendor: str | None, *, all_vendors: bool) -> str | None:
    """Return the vendor of the options, None for all vendors. Raises CommandError unless exactly one is there."""
    if (vendor is None) is not all_vendors:
        raise CommandError("Add one of the options --vendor, --all-vendors")
    return vendor


def _describe_number_format(number_format: MappedNumberFormat | None) -> str:
    """Return the notation of numbers, such as `decimal sign ',', remove 'EUR'`; defaults are left out."""
    if number_format is None:
        return ""
    default = MappedNumberFormat()
    parts = [
        f"{name.replace('_', ' ')} '{text}'"
        for name in MappedNumberFormat.__slots__
        if (text := getattr(number_format, name)) != getattr(default, name)
    ]
    return ", ".join(parts)


def _describe_document(document: MappingDocument) -> Iterator[str]:
    """Yield a line for each part of a document that is no header."""
    for column, text in document.constants.items():
        yield f"Constant: {column} = {text}"
    if document.fill_down is not None:
        yield f"Filled down by {document.fill_down.group_header}: {', '.join(document.fill_down.headers)}"
        if document.fill_down.key_header:
            yield f"Key of a group: {document.fill_down.key_header}"
    if document.first_address:
        yield f"First address of several: {', '.join(document.first_address)}"
    for column, targets in document.values.items():
        for vendor_value, target in targets.items():
            yield f"Value: {column} '{vendor_value}' → {target}"


def _run_action(state: Path | None, action: str, **arguments: object) -> dict[str, Any]:
    with connect_admin(state) as (_, run_action):
        return run_action(action, **arguments)
