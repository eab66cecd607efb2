"""Suggestions of columns for the headers of a file, and of number formats, for a person to confirm.

Confidence: a header is suggested for a column only if

- its name is similar to the column (see `name_similarity`), or its values can mean only this column: addresses of
  pictures, or the only amounts of money with a currency; and
- all its sample values may be values of the column.

Of two headers that fit equally well, neither is suggested.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from onboarding.domain.column_types import ColumnType, ProductStatus
from onboarding.domain.mapped_numbers import (
    DECIMAL_SIGNS,
    THOUSANDS_SEPARATORS,
    MappedNumberFormat,
)
from onboarding.domain.mappings import FileHeader, HeaderSource
from onboarding.domain.product_schema import COLUMNS, IDENTIFIERS, MAX_LENGTHS, NUMBER_COLUMNS, PRODUCT_SCHEMA
from onboarding.files.column_words import denies_price
from onboarding.files.currencies import detect_currency
from onboarding.files.header_names import load_piece_units
from onboarding.files.name_similarity import MAX_COMPARED_NAMES, NameMatch, assign_names, match_name

_PLAIN_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_WHOLE_NUMBER = re.compile(r"-?[0-9]+(?:[.,]0+)?")
_NUMBER_WITH_UNIT = re.compile(
    r"(?P<before>[^0-9+-]*)(?P<number>-?[0-9](?:[0-9.,'\u2019 \u00a0\u2009\u202f]*[0-9])?)(?P<after>[^0-9]*)"
)
_STATUSES = frozenset(map(str, ProductStatus))
# Of 0,250 as thousands.
_LEADING_ZERO = re.compile(r"-?0[0-9]")
_SIGNS = frozenset("-,")
_WEB_ADDRESS = re.compile(r"https?://\S+", re.IGNORECASE)
_PICTURE_ADDRESS = re.compile(r"https?://\S+\.(?:jpe?g|png|gif|webp|avif)(?:\?\S*)?", re.IGNORECASE)
_WEIGHT_FACTORS = {"kg": "1", "kgs": "1", "g": "0.001", "gr": "0.001", "gram": "0.001", "grams": "0.001"}
_GRAMS = "0.001"
_MAX_SAMPLE_LENGTH = 60
# Values that confirm a weak name: amounts with decimals, and numbers other than 0 and 1, which mean no and yes.
_WEAK_EVIDENCE = {
    ColumnType.PRICE: re.compile(r"[.,][0-9]{2}(?![0-9])"),
    ColumnType.QUANTITY: re.compile("[2-9]|[0-9]{2}"),
}


@dataclass(frozen=True, slots=True)
class ColumnSuggestion:
    """A column for a header, with the reason in words, and the format of the header's numbers unless they are plain."""

    header: str
    column: str
    reason: str
    number_format: MappedNumberFormat | None = None


def suggest_columns(headers: Sequence[FileHeader], missing: Sequence[str]) -> list[ColumnSuggestion]:
    """Return suggestions for missing columns, in the order of the contract; a header is suggested once.

    Exception: if a file with names has a header for only one of the identifiers, it is suggested for both.
    """
    unknown = [header for header in headers if header.source is HeaderSource.UNKNOWN][:MAX_COMPARED_NAMES]
    by_name = {header.name: header for header in unknown}
    file_has_values = any(sample.strip() for header in headers for sample in header.samples)
    matches = [
        (header.name, match)
        for header in unknown
        for match in _match_header(header)
        if match.column in missing and _fits(header, match, file_has_values=file_has_values)
    ]
    suggestions = {
        column: _build_suggestion(by_name[name], match) for column, (name, match) in assign_names(matches).items()
    }
    used = {suggestion.header for suggestion in suggestions.values()}
    remaining = [header for header in unknown if header.name not in used]
    for suggestion in (_suggest_image(remaining), _suggest_price(headers, remaining)):
        if suggestion is not None and suggestion.column in missing:
            suggestions.setdefault(suggestion.column, suggestion)
    shared = _suggest_shared_identifier(headers, suggestions, missing)
    if shared is not None:
        suggestions[shared.column] = shared
    return [suggestions[column] for column in COLUMNS if column in suggestions]


def suggest_number_format(column: str, samples: Sequence[str]) -> MappedNumberFormat | None:
    """Return the one notation in which all sample values are numbers of a column; None if plain, unclear or another."""
    texts = [sample.strip() for sample in samples if sample.strip()]
    if column not in NUMBER_COLUMNS or not texts or all(map(_PLAIN_NUMBER.fullmatch, texts)):
        return None
    removed_text = _find_unit(column, texts)
    if removed_text is None:
        return None
    factor = _WEIGHT_FACTORS.get(removed_text.casefold(), "1") if column == "weight_kg" else "1"
    number_formats: dict[tuple[str | None, ...], MappedNumberFormat] = {}
    for decimal_sign in DECIMAL_SIGNS:
        for separator in THOUSANDS_SEPARATORS:
            if separator != decimal_sign:
                number_format = MappedNumberFormat(decimal_sign, separator, removed_text, factor)
                numbers = tuple(map(number_format.convert, texts))
                if not any(number is None or _LEADING_ZERO.match(number) for number in numbers):
                    # The first one has no separator: those after it would be without evidence.
                    number_formats.setdefault(numbers, number_format)
    if len(number_formats) != 1:
        return None
    ((numbers, number_format),) = number_formats.items()
    is_valid = all(number is not None and NUMBER_COLUMNS[column].is_number(number) for number in numbers)
    return number_format if is_valid and number_format != MappedNumberFormat() else None


def _find_unit(column: str, texts: Sequence[str]) -> str | None:
    """Return the currency or unit of all numbers, blank if they have none; None if there is other text."""
    units: dict[str, str] = {}
    for text in texts:
        match = _NUMBER_WITH_UNIT.fullmatch(text) if len(text) <= _MAX_SAMPLE_LENGTH else None
        if match is None:
            return None
        words = [word for word in (match["before"].strip(), match["after"].strip()) if word]
        if len({word.casefold() for word in words}) > 1:
            return None
        units |= {word.casefold(): word for word in words}
    if len(units) > 1:
        return None
    unit = next(iter(units.values()), "")
    return unit if not unit or _is_unit(column, unit) else None


def _is_unit(column: str, unit: str) -> bool:
    if not _SIGNS.isdisjoint(unit):
        return False
    column_type = PRODUCT_SCHEMA[column].type
    if column_type is ColumnType.PRICE:
        return bool(detect_currency(unit))
    word = unit.casefold().rstrip(".")
    return word in (_WEIGHT_FACTORS if column_type is ColumnType.WEIGHT else load_piece_units())


def _match_header(header: FileHeader) -> Sequence[NameMatch]:
    """Return the columns to which a header's name is similar; its values may have the unit that the name lacks."""
    matches = match_name(header.name)
    if not matches and _have_weight_unit(header.samples):
        return [
            replace(match, in_grams=False) for match in match_name(f"{header.name} kg") if match.column == "weight_kg"
        ]
    return matches


def _have_weight_unit(samples: Sequence[str]) -> bool:
    texts = [sample.strip() for sample in samples if sample.strip()]
    return bool(texts) and bool(_find_unit("weight_kg", texts))


def _fits(header: FileHeader, match: NameMatch, *, file_has_values: bool) -> bool:
    """Return whether the sample values may be values of a column; in a file with values, a blank header has none."""
    samples = [sample.strip() for sample in header.samples if sample.strip()]
    if not samples:
        return not (match.is_weak or file_has_values)
    column = match.column
    column_type = PRODUCT_SCHEMA[column].type
    if column in NUMBER_COLUMNS:
        if match.is_weak and not any(map(_WEAK_EVIDENCE[column_type].search, samples)):
            return False
        if match.in_grams:
            number_format = _find_number_format(header, match)
            return number_format is not None and all(
                NUMBER_COLUMNS[column].is_number(number_format.convert(sample) or "") for sample in samples
            )
        return _are_numbers(column, samples)
    if column_type is ColumnType.STATUS:
        return _STATUSES.issuperset(map(str.casefold, samples))
    has_addresses = any(map(_WEB_ADDRESS.match, samples))
    if column_type is ColumnType.URL:
        return all(map(_WEB_ADDRESS.match, samples))
    if has_addresses or any(len(sample) > MAX_LENGTHS[column] for sample in samples):
        return False
    is_text = any(character.isalpha() for sample in samples for character in sample)
    # Categories may have codes, which a mapping of values translates.
    return is_text or column_type is not ColumnType.WORDS


def _are_numbers(column: str, samples: Sequence[str]) -> bool:
    if suggest_number_format(column, samples) is not None:
        return True
    if PRODUCT_SCHEMA[column].type is ColumnType.QUANTITY:
        return all(map(_WHOLE_NUMBER.fullmatch, samples))
    # Also numbers whose notation is unclear.
    return _find_unit(column, samples) is not None


def _build_suggestion(header: FileHeader, match: NameMatch) -> ColumnSuggestion:
    if match.system:
        reason = f"Known name in {match.system}"
    else:
        evidence = _describe_values(match.column) if match.is_weak else ""
        reason = f"Similar to '{match.known_name}'{evidence}"
    return ColumnSuggestion(header.name, match.column, reason, _find_number_format(header, match))


def _find_number_format(header: FileHeader, match: NameMatch) -> MappedNumberFormat | None:
    number_format = suggest_number_format(match.column, header.samples)
    # The unit of the values is more specific than that of the name.
    if not match.in_grams or (number_format is not None and number_format.remove):
        return number_format
    return replace(number_format or MappedNumberFormat(), factor=_GRAMS)


def _describe_values(column: str) -> str:
    column_type = PRODUCT_SCHEMA[column].type
    if column_type is ColumnType.URL:
        return ", and the values are web addresses"
    return f", and the values are {NUMBER_COLUMNS[column].kind}s"


def _suggest_image(headers: Sequence[FileHeader]) -> ColumnSuggestion | None:
    """Return a suggestion if exactly one header has addresses of pictures."""
    with_pictures = [
        header
        for header in headers
        if header.samples and all(map(_PICTURE_ADDRESS.fullmatch, map(str.strip, header.samples)))
    ]
    if len(with_pictures) != 1:
        return None
    return ColumnSuggestion(with_pictures[0].name, "image_url", "The values are web addresses of pictures")


def _suggest_price(headers: Sequence[FileHeader], remaining: Sequence[FileHeader]) -> ColumnSuggestion | None:
    """Return a suggestion if exactly one header of the file has amounts with a currency, and not of another name."""
    with_currency = [header for header in headers if _has_currency(header)]
    if len(with_currency) != 1 or with_currency[0] not in remaining or denies_price(with_currency[0].name):
        return None
    (header,) = with_currency
    number_format = suggest_number_format("price", header.samples)
    return ColumnSuggestion(header.name, "price", "The values are prices with a currency", number_format)


def _has_currency(header: FileHeader) -> bool:
    samples = [sample.strip() for sample in header.samples if sample.strip()]
    return bool(samples) and bool(_find_unit("price", samples))


def _suggest_shared_identifier(
    headers: Sequence[FileHeader], suggestions: dict[str, ColumnSuggestion], missing: Sequence[str]
) -> ColumnSuggestion | None:
    """Return a suggestion for an identifier that has no header, of the header of the other one.

    A file without names updates products, such as a price list: one identifier finds them, and both would change one.
    """
    if "product_name" in missing and "product_name" not in suggestions:
        return None
    lacking = [column for column in IDENTIFIERS if column in missing and column not in suggestions]
    if len(lacking) != 1:
        return None
    (other_column,) = (column for column in IDENTIFIERS if column != lacking[0])
    resolved = next((header.name for header in headers if other_column in header.columns), None)
    name = suggestions[other_column].header if other_column in suggestions else resolved
    if name is None:
        return None
    return ColumnSuggestion(name, lacking[0], "Your file has one product number")
