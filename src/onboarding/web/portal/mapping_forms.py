"""Form to edit a mapping: the choices of its controls, and the document that its fields describe."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import Depends, Request

from onboarding.domain.mapped_numbers import DECIMAL_SIGNS, FACTORS, THOUSANDS_SEPARATORS, MappedNumberFormat
from onboarding.domain.mappings import FillDown, HeaderMapping, MappingDocument, SavedMapping
from onboarding.domain.product_schema import COLUMNS, NUMBER_COLUMNS, PRODUCT_SCHEMA
from onboarding.web.request_forms import read_form

IDENTIFIER_PAIR = ("vendor_product_id", "sku")
"""Columns that the only article number of a file feeds together."""

DO_NOT_IMPORT = "Do not import"

DECIMAL_SIGN_LABELS = {"": "Detect automatically", ".": "Point (1.5)", ",": "Comma (1,5)"}
THOUSANDS_SEPARATOR_LABELS = {
    "": "None (1000)",
    ".": "Point (1.000)",
    ",": "Comma (1,000)",
    " ": "Space (1 000)",
    "'": "Apostrophe (1'000)",
}
FACTOR_LABELS = {"1": "Unchanged", "0.001": "Divided by 1,000 (g to kg)", "0.01": "Divided by 100 (cents)"}

assert DECIMAL_SIGN_LABELS.keys() >= set(DECIMAL_SIGNS)  # noqa: S101
assert THOUSANDS_SEPARATOR_LABELS.keys() == set(THOUSANDS_SEPARATORS)  # noqa: S101
assert FACTOR_LABELS.keys() == set(FACTORS)  # noqa: S101


async def _read_fields(request: Request) -> Mapping[str, str]:
    form = await read_form(request)
    return {name: value for name, value in form.items() if isinstance(value, str)}


FormFields = Annotated[Mapping[str, str], Depends(_read_fields)]
"""The text fields of a form whose number of fields depends on its page."""


@dataclass(frozen=True, slots=True)
class HeaderFields:
    """The controls of one header: `position` is that of the header in the document and part of their names."""

    position: int
    header: str
    target: str
    number_format: MappedNumberFormat | None

    @property
    def has_numbers(self) -> bool:
        """Return whether the header has controls for a number format."""
        return self.number_format is not None or not NUMBER_COLUMNS.keys().isdisjoint(split_columns(self.target))


@dataclass(frozen=True, slots=True)
class MappingForm:
    """What the form of a mapping shows. `version` is the version that its fields describe.

    `notes` are sentences about the parts of the document that have no fields.
    """

    name: str
    version: int
    headers: Sequence[HeaderFields]
    target_choices: Mapping[str, str]
    constants: Mapping[str, str]
    constant_choices: Mapping[str, str]
    new_constant_column: str
    new_constant: str
    notes: Sequence[str]
    error: str
    name_error: str


def join_columns(columns: Sequence[str]) -> str:
    """Return columns, in the order of the contract, as the value of a control; `split_columns` is the reverse."""
    return " ".join(sorted(columns, key=COLUMNS.index))


def split_columns(text: str) -> tuple[str, ...]:
    """Return the columns in the value of a control."""
    return tuple(text.split())


def describe_columns(columns: Sequence[str]) -> str:
    """Return the labels of the columns that a header feeds, such as `Vendor product ID and SKU`."""
    return " and ".join(PRODUCT_SCHEMA[column].label for column in columns) or DO_NOT_IMPORT


def list_target_choices(used_targets: Iterable[Sequence[str]] = ()) -> dict[str, str]:
    """Return the choices for the target of a header: the labels by the value of the control.

    `used_targets` are targets that a control has; their combinations of columns are choices too.
    """
    targets = [(), *((column,) for column in COLUMNS), IDENTIFIER_PAIR, *used_targets]
    values = [join_columns(columns) for columns in targets]
    return {value: describe_columns(split_columns(value)) for value in values}


def describe_number_format(number_format: MappedNumberFormat, samples: Sequence[str] = ()) -> str:
    """Return a number as the vendor writes it and as a plain number: the first sample in the format, or an example."""
    example = f"1{number_format.thousands_separator}234{number_format.decimal_sign}50 {number_format.remove}".strip()
    for text in (*samples, example):
        number = number_format.convert(text)
        if number is not None and number != text:
            return f"{text} → {number}"
    return ""


def describe_fill_down(fill_down: FillDown) -> str:
    """Return a sentence that says which blank cells take the value of another row."""
    headers = ", ".join(f"'{header}'" for header in fill_down.headers)
    return f"Blank cells under {headers} take the value of the first row with the same '{fill_down.group_header}'."


def describe_other_parts(document: MappingDocument) -> list[str]:
    """Return a sentence about each part of a document that has no fields in a form."""
    sentences = [describe_fill_down(document.fill_down)] if document.fill_down else []
    if document.first_address:
        headers = ", ".join(f"'{header}'" for header in document.first_address)
        sentences.append(f"Of several web addresses under {headers}, the first is used.")
    for column, targets in document.without_remembered_values().values.items():
        translations = ", ".join(f"'{value}' → {target}" for value, target in targets.items())
        sentences.append(f"Values of {PRODUCT_SCHEMA[column].label} are translated: {translations}.")
    return sentences


def build_mapping_form(
    mapping: SavedMapping, fields: Mapping[str, str] | None = None, *, error: str = "", name_error: str = ""
) -> MappingForm:
    """Return the form of a mapping, with the fields that a person has sent, if any, and what is wrong with them."""
    fields = fields or {}
    document = mapping.document
    constants = {column: fields.get(f"constant-{column}", text) for column, text in document.constants.items()}
    return MappingForm(
        name=fields.get("name", mapping.name or ""),
        version=mapping.version,
        headers=_list_header_fields(document, fields),
        target_choices=list_target_choices(target.columns for target in document.columns.values()),
        constants=constants,
        constant_choices={
            "": "Choose a column",
            **{name: column.label for name, column in PRODUCT_SCHEMA.items() if name not in constants},
        },
        new_constant_column=fields.get("new_constant_column", ""),
        new_constant=fields.get("new_constant", ""),
        notes=describe_other_parts(document),
        error=error,
        name_error=name_error,
    )


def _list_header_fields(document: MappingDocument, fields: Mapping[str, str]) -> list[HeaderFields]:
    """Return the controls of each header: imported headers in the order of our columns, then the others by name."""
    headers = list(document.columns.items())
    ranks = {column: rank for rank, column in enumerate(COLUMNS)}
    order = sorted(
        range(len(headers)),
        key=lambda n: (min((ranks[column] for column in headers[n][1].columns), default=len(ranks)), headers[n][0]),
    )
    return [
        HeaderFields(
            position,
            headers[position][0],
            fields.get(f"target-{position}", join_columns(headers[position][1].columns)),
            _parse_number_format(fields, position, headers[position][1].number_format),
        )
        for position in order
    ]


def parse_mapping_form(fields: Mapping[str, str], current: MappingDocument) -> MappingDocument:
    """Return the document that the fields describe; the rest is that of the current document.

    The positions in the names of the fields refer to `current`. Raises InvalidMapping.
    """
    columns = {}
    for position, (header, target) in enumerate(current.columns.items()):
        new_columns = split_columns(fields.get(f"target-{position}", join_columns(target.columns)))
        number_format = _parse_number_format(fields, position, target.number_format)
        feeds_numbers = not NUMBER_COLUMNS.keys().isdisjoint(new_columns)
        columns[header] = HeaderMapping(new_columns, number_format if feeds_numbers else None)
    constants = {column: text for column in COLUMNS if (text := fields.get(f"constant-{column}", "").strip())}
    new_column, new_text = fields.get("new_constant_column", ""), fields.get("new_constant", "").strip()
    if new_column and new_text:
        constants[new_column] = new_text
    return replace(current, columns=columns, constants=constants)


def _parse_number_format(
    fields: Mapping[str, str], position: int, current: MappedNumberFormat | None
) -> MappedNumberFormat | None:
    decimal_sign = fields.get(f"decimal_sign-{position}")
    if decimal_sign is None:
        return current
    if not decimal_sign:
        return None
    return MappedNumberFormat(
        decimal_sign,
        fields.get(f"thousands_separator-{position}", ""),
        fields.get(f"remove-{position}", "").strip(),
        fields.get(f"factor-{position}", "1"),
    )
