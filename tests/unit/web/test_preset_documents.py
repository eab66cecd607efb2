"""Documents of presets as JSON text: format, parser and error messages."""

from __future__ import annotations

import pytest

from onboarding.domain.mapped_numbers import MappedNumberFormat
from onboarding.domain.mappings import FillDown, HeaderMapping, InvalidMapping, MappingDocument
from onboarding.web.portal.preset_documents import format_document, parse_document_text

TEXT = """\
{
  "columns": {
    "Größe": {"columns": []},
    "Gewicht": {"columns": ["weight_kg"], "number_format": {"decimal_sign": ".", "thousands_separator": "", "remove": "", "factor": "0.001"}}
  },
  "constants": {
    "unit": "pair"
  },
  "fill_down": {
    "group_header": "Handle",
    "headers": ["Titel"]
  },
  "first_address": ["Bilder"],
  "values": {
    "category": {"Herren": "Men's Clothing"}
  }
}"""  # noqa: E501

DOCUMENT = MappingDocument(
    {"Größe": HeaderMapping(()), "Gewicht": HeaderMapping(("weight_kg",), MappedNumberFormat(factor="0.001"))},
    {"unit": "pair"},
    FillDown("Handle", ("Titel",)),
    {"category": {"Herren": "Men's Clothing"}},
    ("Bilder",),
)


def test_document_text_has_a_line_for_each_header() -> None:
    assert format_document(DOCUMENT) == TEXT
    assert format_document(MappingDocument()) == '{\n  "columns": {}\n}'


def test_document_text_is_parsed_to_the_same_document() -> None:
    assert parse_document_text(TEXT) == DOCUMENT
    assert parse_document_text(TEXT.replace("\n", "\r\n")) == DOCUMENT, "browsers send line breaks in this form"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (" \r\n", "Enter a document"),
        ('{\n  "columns": {"A" {}}\n}', "The document is not valid JSON: expected `:` at line 2 column 19"),
        ("{'columns': {}}", "The document is not valid JSON: key must be a string at line 1 column 2"),
        ("[" * 100_000, "The document is not valid JSON: recursion limit exceeded"),
        (r'{"columns": {"\ud800": {"columns": []}}}', "The document is not valid JSON: "),
        ('{"columns": NaN}', "The document is not valid JSON: "),
        (
            '{"columns": {"A": {"columns": []}, "A": {"columns": ["sku"]}}}',
            "The document has 'A' twice in the same place",
        ),
        ('{"columns": ' + "1" * 5_000 + "}", "The document is not valid JSON: "),
        ("[]", "The mapping must be a JSON object"),
        ('{"column": {}}', "The mapping has the unknown field 'column'"),
        ('{"columns": {"A": "sku"}}', "The target of 'A' must be a JSON object"),
        ('{"columns": {"A": {"columns": ["colour"]}}}', "'colour' is not a column; the columns are"),
        ('{"columns": {}}', 'A preset needs at least one header under "columns"'),
    ],
)
def test_invalid_document_text_has_a_message_that_names_the_error(text: str, message: str) -> None:
    with pytest.raises(InvalidMapping) as raised:
        parse_document_text(text)
    assert str(raised.value).startswith(message)
