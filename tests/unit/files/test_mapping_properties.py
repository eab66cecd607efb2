"""Properties of mappings: a mapping that changes nothing, and numbers in a vendor's notation."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboarding.domain.mapped_numbers import DECIMAL_SIGNS, FACTORS, THOUSANDS_SEPARATORS, MappedNumberFormat
from onboarding.domain.mappings import (
    HeaderMapping,
    HeaderSource,
    InvalidMapping,
    MappingChoice,
    MappingDocument,
    SavedMapping,
    compute_fingerprint,
    normalize_key,
)
from onboarding.domain.models import FileRejection
from onboarding.domain.product_schema import REQUIRED
from onboarding.files.parser import ParsedFile, parse
from tests.support.fuzz_cases import case
from tests.support.paths import OUTCOMES

FUZZ_CASES = 150


def build_identity(parsed_file: ParsedFile) -> MappingDocument | None:
    """Return the mapping of each header to the column that it feeds anyway; None if no mapping can have the headers.

    Headers that differ only in case or spaces are one header for a mapping, and one header feeds a column.
    """
    targets: dict[str, HeaderMapping] = {}
    keys: set[str] = set()
    for header in parsed_file.headers:
        if not normalize_key(header.name):
            continue
        if normalize_key(header.name) in keys:
            return None
        keys.add(normalize_key(header.name))
        targets[header.name] = HeaderMapping(header.columns)
    try:
        return MappingDocument(targets)
    except InvalidMapping:
        return None


def assert_identity_changes_nothing(content: bytes, required: Sequence[str]) -> bool:
    """Return whether there is an identity mapping; assert that the file is read in the same way with it."""
    plain = parse(content, "U", "V", required=required)
    if isinstance(plain, FileRejection):
        return False
    document = build_identity(plain)
    if document is None:
        return False
    fingerprint = compute_fingerprint(header.name for header in plain.headers)
    mapping = SavedMapping("M1", 1, document, "identity", fingerprint)
    for choice in (MappingChoice(mapping), MappingChoice(by_headers=[mapping])):
        mapped = parse(content, "U", "V", required=required, choice=choice)
        assert not isinstance(mapped, FileRejection), mapped
        assert mapped.mapping_reference == mapping.reference
        assert mapped.rows == plain.rows
        assert [row.line for row in mapped.rows] == [row.line for row in plain.rows]
        assert mapped.table == plain.table
        assert mapped.file_details == plain.file_details
        # Headers that the mapping ignores are confirmed to be ignored.
        assert mapped.warnings == [warning for warning in plain.warnings if warning.code != "UNKNOWN_COLUMN"]
        assert [(header.name, header.columns, header.samples) for header in mapped.headers] == [
            (header.name, header.columns, header.samples) for header in plain.headers
        ]
        assert {header.source for header in mapped.headers if normalize_key(header.name)} <= {HeaderSource.MAPPING}
    return True


@pytest.mark.parametrize("path", OUTCOMES, ids=lambda path: path.stem)
def test_parse_corpus_file_with_identity_mapping_is_unchanged(path: Path) -> None:
    assert_identity_changes_nothing(path.with_suffix("").read_bytes(), REQUIRED)


def test_parse_fuzz_cases_with_identity_mapping_are_unchanged() -> None:
    mapped = 0
    for number in range(FUZZ_CASES):
        item = case(number)
        try:
            mapped += assert_identity_changes_nothing(item.data, item.required)
        except AssertionError as error:
            error.add_note(f"case {number}: {item.data[:200]!r}")
            raise
    assert mapped > FUZZ_CASES // 10


def list_formats() -> list[MappedNumberFormat]:
    return [
        MappedNumberFormat(sign, separator, unit, factor)
        for sign in DECIMAL_SIGNS
        for separator in THOUSANDS_SEPARATORS
        for unit in ("", "EUR", "kr.", "€", "kg")
        for factor in FACTORS
        if sign != separator
    ]


FORMATS = st.sampled_from(list_formats())
NUMBERS = st.decimals(min_value=-(10**9), max_value=10**9, places=3).map(
    lambda number: number.quantize(Decimal("0.001"))
)


def write_number(number: Decimal, number_format: MappedNumberFormat, places: int, *, grouped: bool) -> str:
    """Return a number in a notation, without its unit."""
    text = f"{number:,.{places}f}" if grouped else f"{number:.{places}f}"
    signs = {",": number_format.thousands_separator, ".": number_format.decimal_sign}
    return "".join(signs.get(character, character) for character in text)


@given(NUMBERS, FORMATS, st.integers(0, 3), st.booleans(), st.sampled_from(["{n}", "{n} {u}", "{u}{n}", "{u} {n}"]))
def test_convert_number_in_its_notation_returns_the_number(
    number: Decimal, number_format: MappedNumberFormat, places: int, grouped: bool, form: str
) -> None:
    number = round(number, places)
    text = write_number(number, number_format, places, grouped=grouped)
    converted = number_format.convert(form.format(n=text, u=number_format.remove))
    assert converted is not None
    assert Decimal(converted) == number * Decimal(number_format.factor)
    assert "E" not in converted


@given(st.text(st.sampled_from("0123456789.,' -+€EURkg%e\u00a0\u2009\u202f\u2019\u0663\uff11"), max_size=14), FORMATS)
def test_convert_text_returns_only_numbers_that_are_written_in_the_notation(
    text: str, number_format: MappedNumberFormat
) -> None:
    converted = number_format.convert(text)
    bare = text.strip()
    for spelling in (number_format.remove, number_format.remove.casefold()):
        if spelling:
            folded = bare.casefold()
            bare = bare[len(spelling) :] if folded.startswith(spelling.casefold()) else bare
            bare = bare[: -len(spelling)] if bare.casefold().endswith(spelling.casefold()) else bare
    bare = bare.strip().replace("\u2019", "'")
    for space in "\u00a0\u2009\u202f":
        bare = bare.replace(space, " ")
    if converted is None:
        return
    number = Decimal(converted) / Decimal(number_format.factor)
    places = len(bare.rpartition(number_format.decimal_sign)[2]) if number_format.decimal_sign in bare else 0
    # Leading zeros and a minus sign before zero are written, and not part of the number.
    sign, digits = ("-", bare[1:]) if bare.startswith("-") else ("", bare)
    written = {write_number(abs(number), number_format, places, grouped=grouped) for grouped in (False, True)}
    assert digits in written or digits.lstrip("0" + number_format.thousands_separator) in {
        text.lstrip("0" + number_format.thousands_separator) for text in written
    }
    assert number <= 0 if sign else number >= 0
