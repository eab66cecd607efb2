"""Mapping documents as JSON: the form in which the API, commands and the database have them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from onboarding.domain.mapped_numbers import MappedNumberFormat
from onboarding.domain.mappings import MAX_CHARACTERS, FillDown, HeaderMapping, InvalidMapping, MappingDocument


def document_as_json(mapping: MappingDocument) -> dict[str, Any]:
    """Return a mapping document as JSON; `parse_document` is the reverse."""
    columns: dict[str, Any] = {}
    for header, target in mapping.columns.items():
        columns[header] = {"columns": list(target.columns)}
        if target.number_format is not None:
            number_format = target.number_format
            columns[header]["number_format"] = {
                name: getattr(number_format, name) for name in MappedNumberFormat.__slots__
            }
    document: dict[str, Any] = {"columns": columns}
    if mapping.constants:
        document["constants"] = dict(mapping.constants)
    if mapping.fill_down is not None:
        document["fill_down"] = {
            "group_header": mapping.fill_down.group_header,
            "headers": list(mapping.fill_down.headers),
        }
        if mapping.fill_down.key_header:
            document["fill_down"]["key_header"] = mapping.fill_down.key_header
    if mapping.first_address:
        document["first_address"] = list(mapping.first_address)
    if mapping.values:
        document["values"] = {column: dict(translations) for column, translations in mapping.values.items()}
    return document


def parse_document(value: object) -> MappingDocument:
    """Return the document of a JSON value. Raises InvalidMapping, which names what is wrong."""
    fields = _require_object("The mapping", value, {"columns", "constants", "fill_down", "first_address", "values"})
    columns: dict[str, HeaderMapping] = {}
    for header, target in _require_object("columns", fields.get("columns", {})).items():
        columns[header] = _parse_target(header, target)
    fill_down = None
    if fields.get("fill_down") is not None:
        parts = _require_object("fill_down", fields["fill_down"], {"group_header", "headers", "key_header"})
        headers = _require_texts("The headers of fill_down", parts.get("headers"))
        fill_down = FillDown(
            _require_text("The group_header of fill_down", parts.get("group_header")),
            headers,
            _require_text("The key_header of fill_down", parts.get("key_header", "")),
        )
    constants = {
        column: _require_text(f"The constant of {column}", text).strip()
        for column, text in _require_object("constants", fields.get("constants", {})).items()
    }
    values = {
        column: {
            own_value: _require_text(f"The translation of '{own_value}'", target)
            for own_value, target in _require_object(f"The values of {column}", translations).items()
        }
        for column, translations in _require_object("values", fields.get("values", {})).items()
    }
    first_address = _require_texts("first_address", fields.get("first_address", ()))
    document = MappingDocument(columns, constants, fill_down, values, first_address)
    if len(json.dumps(document_as_json(document), ensure_ascii=False)) > MAX_CHARACTERS:
        raise InvalidMapping(f"A mapping has at most {MAX_CHARACTERS:,} characters")
    return document


def _parse_target(header: str, value: object) -> HeaderMapping:
    parts = _require_object(f"The target of '{header}'", value, {"columns", "number_format"})
    columns = _require_texts(f"The columns of '{header}'", parts.get("columns"))
    if parts.get("number_format") is None:
        return HeaderMapping(columns)
    label = f"The number_format of '{header}'"
    options = _require_object(label, parts["number_format"], set(MappedNumberFormat.__slots__))
    texts = {name: _require_text(f"{name} of '{header}'", text) for name, text in options.items()}
    return HeaderMapping(columns, MappedNumberFormat(**texts))


def _require_object(label: str, value: object, names: Iterable[str] | None = None) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise InvalidMapping(f"{label} must be a JSON object")
    if names is not None and (unknown := sorted(value.keys() - set(names))):
        raise InvalidMapping(
            f"{label} has the unknown field '{unknown[0][:100]}'; the fields are {', '.join(sorted(names))}"
        )
    for name in value:
        _require_text(f"A name in {label}", name)
    return value


def _require_text(label: str, value: object) -> str:
    if not isinstance(value, str):
        raise InvalidMapping(f"{label} must be text")
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        raise InvalidMapping(f"{label} has a character that is not text")
    return value


def _require_texts(label: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise InvalidMapping(f"{label} must be a list of texts")
    return tuple(_require_text(label, text) for text in value)
