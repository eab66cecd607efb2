"""Rules against what spreadsheets do to values when a file is opened and saved: what is lost there, nobody can guess.

Excel takes an identifier for a number (`8.71E+12`), a date (`3-Mar`) or a truth value, and a formula's fault (`#REF!`)
for its value. The functions with the shape of rules stand in `rules.RULES`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from onboarding.model import Row, RowError

IDENTIFIERS = ("vendor_product_id", "sku")

# In these no rule of their own would notice; a price of #REF! is no number, and is told so.
TEXTS = ("product_name", "subcategory", "description", "brand", "unit", "dimensions_cm")

WITHOUT_LETTERS = "without some of its letters, which were lost before the file was uploaded"

_FAULTS = (
    "#REF!", "#N/A", "#NAME?", "#DIV/0!", "#VALUE!", "#NULL!", "#NUM!", "#SPILL!", "#CALC!", "#FIELD!", "#BLOCKED!",
    "#CONNECT!", "#UNKNOWN!", "#BUSY!", "#GETTING_DATA",
    "#BEZUG!", "#NV", "#WERT!", "#ZAHL!", "#ÜBERLAUF!",
    "#NOM?", "#VALEUR!", "#NOMBRE!", "#NUL!",
    "#¡REF!", "#¿NOMBRE?", "#¡VALOR!", "#¡DIV/0!", "#¡NUM!", "#¡NULO!",
)  # fmt: skip
_FAULT = re.compile("|".join(map(re.escape, _FAULTS)) + "|#{4,}", re.IGNORECASE)
# "=" and then what a formula can go on with; a line of equals signs, or "= 5 pieces", is text.
_FORMULA = re.compile(r"=(?:[A-Za-z_$\\][\w.$!:]*[(+\-*/&!:]?|[\"'(\[{@+\-]|[0-9]+[-+*/^&]|\?).*", re.DOTALL)
# Excel's own form: one digit before the point, a sign and two digits or more behind the E. `1E5` may be a real SKU.
_SHORTENED = re.compile(r"-?[0-9](?:[.,][0-9]+)?E[+-][0-9]{2,3}")
# As Excel writes months, in its own case: `3-MAR` may be a real SKU.
_MONTHS = (
    "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec Mrz Mär Mai Okt Dez "
    "January February March April June July August September October November December "
    "Januar Februar März Juni Juli Oktober Dezember "
    r"janv\.? févr\.? mars avr\.? mai juin juil\.? août sept\.? oct\.? nov\.? déc\.? "
    "ene feb mar abr may jun jul ago sep oct nov dic"
).replace(" ", "|")
_DAY = "(?:0?[1-9]|[12][0-9]|3[01])"
_MONTH = "(?:0?[1-9]|1[0-2])"
_DATE = re.compile(
    rf"{_DAY}(?:-|\. ?| )(?:{_MONTHS})(?:[-. ]+(?:[0-9]{{4}}|[0-9]{{2}}))?"
    rf"|(?:{_MONTHS})[-. ]+(?:[0-9]{{4}}|[0-9]{{2}})"
    rf"|(?:{_DAY}[./-]{_MONTH}|{_MONTH}[./-]{_DAY})[./-](?:19|20)[0-9]{{2}}(?: [0-9:]+)?"
    rf"|(?:19|20)[0-9]{{2}}[-/.]{_MONTH}[-/.]{_DAY}(?:[ T][0-9:.]+Z?)?"
)
_MONTHS_BEGIN = frozenset(month[:3] for month in _MONTHS.split("|"))
_A_DATE = "a date that a spreadsheet made of it"
_TRUTHS = frozenset({"true", "false", "wahr", "falsch", "vrai", "faux", "verdadero", "falso"})
_LONGEST_TRUTH = max(map(len, _TRUTHS))
# An export's way to have Excel keep a text: ="00123".
_KEPT_TEXT = re.compile(r'="([^"]*)"')

_CODE_LENGTH = 5
"""Digits from which equally long codes are taken for codes, and not for a count."""

_SAME_LENGTH = 0.6
"""The share of equally long codes that makes a shorter one look cut."""


def damage_to(identifier: str) -> str:
    """What a spreadsheet made of an identifier, as the end of `it is …`; blank if it shows no damage."""
    # Hardly any does: the first characters tell most of them apart, several times faster than the patterns.
    start = identifier[0]
    if "??" in identifier or "\N{REPLACEMENT CHARACTER}" in identifier:
        return WITHOUT_LETTERS
    if start in "#=":
        if _FAULT.fullmatch(identifier):
            return "the error of a formula"
        return "a formula, not its value" if _FORMULA.fullmatch(identifier) else ""
    if start in "-0123456789":
        if "E" in identifier and _SHORTENED.fullmatch(identifier):
            return "a number that a spreadsheet shortened, and digits are lost"
        return _A_DATE if not identifier.isdecimal() and _DATE.fullmatch(identifier) else ""
    if len(identifier) <= _LONGEST_TRUTH and identifier.casefold() in _TRUTHS:
        return "a truth value, not an identifier"
    return _A_DATE if identifier[:3] in _MONTHS_BEGIN and _DATE.fullmatch(identifier) else ""


def identifiers_are_undamaged(row: Row, _: object) -> Iterator[RowError]:
    for column in IDENTIFIERS:
        value = row.cells.get(column)
        if value is not None and column not in row.cut and (damage := damage_to(value)):
            shown = f" '{value}'" if value.isprintable() and len(value) <= 40 else ""
            message = f"{column}{shown} cannot be taken as it is: it is {damage}"
            kept = _KEPT_TEXT.fullmatch(value)
            hint = "Format the column as text, then enter the value"
            if kept and kept[1]:
                hint = f"Did you mean '{kept[1]}'?"
            elif damage == WITHOUT_LETTERS:
                hint = "Save the file as 'CSV UTF-8' where the letters are still there"
            yield RowError("DAMAGED_IDENTIFIER", column, message, value, "the identifier as text, in full", hint)


def texts_are_values(row: Row, _: object) -> Iterator[RowError]:
    for column, value in row.cells.items():
        if value[0] not in "#=" or column not in TEXTS:
            continue
        if _FAULT.fullmatch(value):
            message = f"{column} has the error of a formula: {value[:40]}"
            yield RowError(
                "SPREADSHEET_ERROR", column, message, value, "a value", "Mend the formula, or enter the value"
            )
        elif column not in row.cut and _FORMULA.fullmatch(value):
            kept = _KEPT_TEXT.fullmatch(value)
            hint = f"Did you mean '{kept[1]}'?" if kept and kept[1] else "Replace the formula by its value"
            message = f"{column} has a formula, not its value"
            yield RowError("SPREADSHEET_FORMULA", column, message, value, "a value", hint)


def without_zeros(values: Mapping[int, str]) -> Sequence[int]:
    """The rows whose code seems to lack leading zeros: all are digits, most are equally long, these are shorter."""
    if not values or not all(value.isdecimal() and value.isascii() and value[0] != "0" for value in values.values()):
        return ()
    lengths = Counter(map(len, values.values()))
    length, count = lengths.most_common(1)[0]
    if length < _CODE_LENGTH or count < _SAME_LENGTH * len(values):
        return ()
    return [row_number for row_number, value in values.items() if len(value) < length]
