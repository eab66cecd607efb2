"""Documents of presets as JSON text that an operator edits."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_core import from_json

from onboarding.domain.mapping_json import document_as_json, parse_document
from onboarding.domain.mappings import InvalidMapping, MappingDocument

MAX_LENGTH = 500_000
"""Maximum length of the text in characters."""


def format_document(document: MappingDocument) -> str:
    """Return a document as JSON text, with a line for each header, constant and translated value."""
    fields = ",\n".join(
        f"  {_dump(name)}: {_format_field(value)}" for name, value in document_as_json(document).items()
    )
    return f"{{\n{fields}\n}}"


def _format_field(value: Mapping[str, Any] | Sequence[str]) -> str:
    if not value or not isinstance(value, Mapping):
        return _dump(value)
    lines = ",\n".join(f"    {_dump(name)}: {_dump(item)}" for name, item in value.items())
    return f"{{\n{lines}\n  }}"


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _require_different_names(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    names: dict[str, Any] = {}
    for name, value in pairs:
        if name in names:
            raise InvalidMapping(f"The document has '{name[:100]}' twice in the same place: keep one of the two")
        names[name] = value
    return names


def parse_document_text(text: str) -> MappingDocument:
    """Return the document of a JSON text. Raises InvalidMapping, whose message names the line or field."""
    if not text.strip():
        raise InvalidMapping("Enter a document")
    try:
        # Unlike the standard library's parser, it rejects text that is not valid Unicode, and deep nesting.
        from_json(text, allow_inf_nan=False)
        value = json.loads(text, object_pairs_hook=_require_different_names)
    except ValueError as error:
        raise InvalidMapping(f"The document is not valid JSON: {error}") from error
    document = parse_document(value)
    if not document.columns:
        raise InvalidMapping('A preset needs at least one header under "columns"')
    return document
