"""Options `--map` and `--map-value`: a mapping document on the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from onboarding.cli.errors import CommandError
from onboarding.cli.target import RunAction
from onboarding.domain.mapped_numbers import MappedNumberFormat
from onboarding.domain.mapping_json import document_as_json, parse_document
from onboarding.domain.mappings import (
    NO_MAPPING,
    HeaderMapping,
    InvalidMapping,
    MappingChoice,
    MappingDocument,
    compute_fingerprint,
    normalize_key,
)
from onboarding.domain.product_schema import NUMBER_COLUMNS
from onboarding.files.models import MappingNeeded
from onboarding.pipeline.dry_run import UPLOAD_ID, dry_run
from onboarding.pipeline.parser_process import parse_rows

MapOption = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="HEADER=COLUMN",
        help="Column of a header of the file, such as `EKPRI=price`. Several columns: `MATNR=vendor_product_id,sku`; "
        "ignored: `Notes=`. Repeatable.",
    ),
]
MapValueOption = Annotated[
    list[str] | None,
    typer.Option(
        "--map-value",
        metavar="COLUMN:VALUE=TARGET",
        help="Our value for a value of the file, such as `category:Men=Men's Clothing`. Repeatable.",
    ),
]
MappingOption = Annotated[
    str | None,
    typer.Option(
        "--mapping",
        metavar="NAME",
        help="Name or ID of the mapping to use, or `none`. Without it, the one remembered for the headers of the file.",
    ),
]


def parse_columns(options: Sequence[str]) -> dict[str, HeaderMapping]:
    """Return the targets of headers in options such as `MATNR=vendor_product_id,sku`. Raises CommandError."""
    targets: dict[str, HeaderMapping] = {}
    for option in options:
        # A header may have an equals sign, a column has none.
        header, sign, columns = (part.strip() for part in option.rpartition("="))
        if not sign or not header:
            raise CommandError(f"'{option}' is not a header and our column for it, such as EKPRI=price")
        if header in targets:
            raise CommandError(f"The header '{header}' is mapped twice. To feed two columns: {header}=COLUMN,COLUMN")
        targets[header] = HeaderMapping(tuple(column.strip() for column in columns.split(",") if column.strip()))
    return targets


def parse_values(options: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return translations by column of options such as `category:Men=Men's Clothing`. Raises CommandError."""
    translations: dict[str, dict[str, str]] = {}
    for option in options:
        source, sign, target = (part.strip() for part in option.rpartition("="))
        if not sign or not target:
            raise CommandError(f"'{option}' is not a value and our value for it, such as category:Men=Men's Clothing")
        column, vendor_value = split_value(source)
        if vendor_value in translations.setdefault(column, {}):
            raise CommandError(f"The {column} '{vendor_value}' is mapped twice")
        translations[column][vendor_value] = target
    return translations


def split_value(text: str) -> tuple[str, str]:
    """Return the column and the value of a text such as `category:Men`. Raises CommandError."""
    column, sign, vendor_value = (part.strip() for part in text.partition(":"))
    if not sign or not column or not vendor_value:
        raise CommandError(f"'{text}' is not a column and a value, such as category:Men")
    return column, vendor_value


def parse_options(columns: Sequence[str] | None, values: Sequence[str] | None) -> MappingDocument | None:
    """Return the document of the options `--map` and `--map-value`, or None without any. Raises CommandError."""
    if not columns and not values:
        return None
    try:
        return MappingDocument(parse_columns(columns or ()), values=parse_values(values or ()))
    except InvalidMapping as error:
        raise CommandError(str(error)) from error


def parse_json_document(value: object) -> MappingDocument:
    """Return the document of a JSON value. Raises CommandError."""
    try:
        return parse_document(value)
    except InvalidMapping as error:
        raise CommandError(str(error)) from error


def read_headers(file: Path, content: bytes, vendor_id: str, document: MappingDocument) -> list[str]:
    """Return the headers of a file, which are found by those of the document too. Raises CommandError if none is."""
    result = dry_run(None, content, vendor_id, document=document)
    # The additional columns of a fix file have no name.
    if headers := [header.name for header in result.headers if header.name]:
        return headers
    reason = f": {result.rejection.reason}" if result.rejection else ""
    raise CommandError(f"{file.name}: the headers cannot be read{reason}")


def require_headers(document: MappingDocument, headers: Sequence[str], file: Path) -> None:
    """Raise CommandError, which lists the headers of the file, if the document maps another one."""
    keys = set(map(normalize_key, headers))
    for header in document.columns:
        if normalize_key(header) not in keys:
            raise CommandError(f"{file.name} has no header '{header}'. Its headers are: {', '.join(headers)}")


def resolve_document(
    run_action: RunAction | None,
    changes: MappingDocument,
    mapping: str | None,
    *,
    file: Path,
    content: bytes,
    vendor_id: str,
) -> tuple[MappingDocument, list[str]]:
    """Return the mapping of a file with the changes of the command line, and the headers of the file.

    It is the mapping that the option `--mapping` names, otherwise that of a fix file's upload, or the one that is
    remembered for the headers. Without `run_action` only the changes apply. Raises CommandError.
    """
    if mapping is not None and mapping.casefold() == NO_MAPPING:
        raise CommandError("--mapping none switches mappings off. Leave it out, or leave out --map and --map-value")
    headers = read_headers(file, content, vendor_id, changes)
    require_headers(changes, headers, file)
    if run_action is None:
        return changes, headers
    mapping = mapping or _find_fix_file_mapping(content, vendor_id)
    if mapping is None:
        stored_mappings = run_action("list_mappings", vendor_id=vendor_id)["mappings"]
        fingerprint = compute_fingerprint(headers)
        mapping = next((m["mapping_id"] for m in stored_mappings if m["header_fingerprint"] == fingerprint), NO_MAPPING)
    if mapping.casefold() == NO_MAPPING:
        return changes, headers
    stored = run_action("show_mapping", vendor_id=vendor_id, mapping=mapping)
    return merge_documents(parse_json_document(stored["document"]), changes), headers


def _find_fix_file_mapping(content: bytes, vendor_id: str) -> str | None:
    """Return the reference of the mapping that a fix file names, otherwise None."""
    try:
        parse_rows(content, UPLOAD_ID, vendor_id, choice=MappingChoice(follows_fix_file=True))
    except MappingNeeded as needed:
        return str(needed)
    return None


def store_mapping(
    run_action: RunAction,
    changes: MappingDocument,
    mapping: str | None,
    *,
    file: Path,
    vendor_id: str,
    name: str | None,
) -> str:
    """Store the mapping of a file with the changes of the command line, and return its reference.

    Without a name it is for one upload.
    """
    document, headers = resolve_document(
        run_action, changes, mapping, file=file, content=file.read_bytes(), vendor_id=vendor_id
    )
    saved = run_action(
        "save_mapping", vendor_id=vendor_id, document=document_as_json(document), name=name, headers=headers
    )
    return f"{saved['mapping_id']}/{saved['version']}"


def merge_documents(base: MappingDocument, changes: MappingDocument) -> MappingDocument:
    """Return a document with the headers and values of `changes`, and those of `base` that they do not replace.

    A header keeps its number format while it feeds a column of numbers. Raises CommandError.
    """
    changed_keys = set(map(normalize_key, changes.columns))
    used_columns = {column for target in changes.columns.values() for column in target.columns}
    columns: dict[str, HeaderMapping] = {}
    for header, target in base.columns.items():
        remaining_columns = tuple(column for column in target.columns if column not in used_columns)
        if normalize_key(header) not in changed_keys and (remaining_columns or not target.columns):
            columns[header] = _make_target(remaining_columns, target.number_format)
    for header, target in changes.columns.items():
        [previous] = base.list_targets([header])
        columns[header] = _make_target(target.columns, previous.number_format if previous else None)
    constants = {column: text for column, text in base.constants.items() if column not in used_columns}
    values = {
        column: _merge_values(base.values.get(column, {}), changes.values.get(column, {}))
        for column in {**base.values, **changes.values}
    }
    try:
        # The other parts of the base do not depend on the changes.
        return replace(base, columns=columns, constants=constants, values=values)
    except InvalidMapping as error:
        raise CommandError(str(error)) from error


def _make_target(columns: tuple[str, ...], number_format: MappedNumberFormat | None) -> HeaderMapping:
    """Return a target that keeps a number format if it feeds a column of numbers."""
    has_numbers = not NUMBER_COLUMNS.keys().isdisjoint(columns)
    return HeaderMapping(columns, number_format if has_numbers else None)


def _merge_values(base: Mapping[str, str], changes: Mapping[str, str]) -> dict[str, str]:
    changed_keys = set(map(normalize_key, changes))
    return {**{value: target for value, target in base.items() if normalize_key(value) not in changed_keys}, **changes}


def describe_mapping(mapping: Mapping[str, Any] | None, used_values: Sequence[Mapping[str, Any]]) -> str:
    """Return the name of a mapping and its effect, such as `'SAP' (version 2): 'Men' → Men's Clothing, 400 rows`.

    Without a name it is its reference, which the option `--mapping` accepts.
    """
    parts = []
    if mapping is not None:
        name, mapping_id, version = mapping["name"], mapping["mapping_id"], mapping["version"]
        parts.append(f"'{name}' (version {version})" if name else f"{mapping_id}/{version} (for one upload)")
    if used_values:
        parts.append("; ".join(map(_describe_value, used_values)))
    return ": ".join(parts)


def _describe_value(value: Mapping[str, Any]) -> str:
    rows = "1 row" if value["rows"] == 1 else f"{value['rows']:,} rows"
    return f"'{value['vendor_value']}' → {value['target']}, {rows}"
