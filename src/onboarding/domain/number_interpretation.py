"""Interpretation of numbers with currencies, units and separators as plain numbers, mostly for hints."""

from __future__ import annotations

import re

from onboarding.domain.formulas import TEXT_FORMULA

_MAX_LENGTH = 60

# Currencies and units beside a number. Units that change its value, such as grams, are not included.
_CURRENCY_OR_UNIT = (
    r"(?:[A-Z]{0,2}\$|[€£¥₹₽₺₴₩₫₪฿₱₦₸₼₾₡₲₵]|"
    "USD|EUR|GBP|CHF|JPY|CAD|AUD|NZD|SEK|NOK|DKK|ISK|PLN|CZK|HUF|RON|BGN|TRY|RUB|UAH|INR|CNY|RMB|KRW|BRL|MXN|ARS|CLP|"
    r"COP|PEN|ZAR|ILS|AED|SAR|SGD|HKD|TWD|THB|MYR|IDR|PHP|VND|zł|kr\.?|Kč|Ft|lei|\u043b\u0432\.?|\u0440\u0443\u0431\.?|\u0433\u0440\u043d\.?|Rs\.?|S/\.?|TL|RM|"
    r"Rp\.?|S?Fr\.?|Euro|kg|pcs\.?|pieces|Stk\.?|Stück|\u0448\u0442\.?)"
)
_GAP = "[ \u00a0\u2007\u2009\u202f]"
_SPACES = "[ \u00a0\u2007\u2009\u202f'\u2019\u00b4`]"
_MINUS = "[-\u2212\u2013]"
_NUMBER = re.compile(
    rf"(?:{_CURRENCY_OR_UNIT}{_GAP}*)?(?P<sign>[+\u2212-]?)(?:{_CURRENCY_OR_UNIT}{_GAP}*)?(?P<body>[0-9.,](?:[0-9.,]|{_SPACES})*)"
    rf"(?P<dash>(?<=[.,])(?:-{{1,2}}|[\u2212\u2013\u2014]))?(?:{_GAP}*{_CURRENCY_OR_UNIT})?",
    re.IGNORECASE,
)
_CURRENCY_AS_DECIMAL_SIGN = re.compile(r"([0-9]+)[€$£]([0-9]{2})")
# Ambiguous: 1,234 and, in a column with decimal commas, 1.234.
_AMBIGUOUS_COMMA = re.compile(r"([1-9][0-9]{0,2}),([0-9]{3})")
_AMBIGUOUS_POINT = re.compile(r"([1-9][0-9]{0,2})\.([0-9]{3})")
_FORMS = (
    re.compile(r"([0-9]*)(?:\.([0-9]*))?"),
    re.compile(r"([0-9]*),([0-9]*)"),
    re.compile(rf"([1-9][0-9]{{0,2}}(?:{_SPACES}[0-9]{{3}})+)(?:[.,]([0-9]*))?"),
    re.compile(r"([1-9][0-9]{0,2}(?:,[0-9]{3})+)\.([0-9]*)"),
    re.compile(r"([1-9][0-9]{0,2}(?:\.[0-9]{3})+),([0-9]*)"),
    re.compile(r"([1-9][0-9]{0,2}(?:,[0-9]{3}){2,})()"),
    re.compile(r"([1-9][0-9]{0,2}(?:\.[0-9]{3}){2,})()"),
    # Indian grouping: lakhs and crores.
    re.compile(r"([1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3})(?:\.([0-9]*))?"),
)
_WHOLE = re.compile(rf"[0-9]+|[1-9][0-9]{{0,2}}(?:(?:{_SPACES}|[.,])[0-9]{{3}})+")
_PLAIN = re.compile(r"(-?[0-9]+)\.([0-9]+)")
_NO_DIGIT = re.compile("[^0-9]")
_RANGE = re.compile(
    rf"[^0-9]{{0,12}}[0-9][0-9.,]*[^0-9]{{0,3}}{_GAP}*(?:{_MINUS}|/|to|bis|à|a|until){_GAP}*[^0-9]{{0,3}}[0-9][0-9.,]*[^0-9]{{0,12}}"
)


def list_possible_numbers(text: str, max_decimals: int, *, decimal_comma: bool = False) -> list[str]:
    """Return the plain numbers that a text can mean, such as `1234.50` for `$1,234.50`; none if it is unclear.

    There are two if a comma may be a decimal comma or a thousands separator. `decimal_comma`: the column is written
    with decimal commas. `max_decimals` is the maximum number of decimals, not counting zeros at the end.
    """
    if len(text) > _MAX_LENGTH:
        return []
    formula = TEXT_FORMULA.fullmatch(text)
    text = (formula[1] if formula else text).removeprefix("'").strip()
    if match := _CURRENCY_AS_DECIMAL_SIGN.fullmatch(text):
        return _format_numbers("", [(match[1], match[2])], max_decimals)
    match = _NUMBER.fullmatch(text)
    if match is None:
        return []
    sign = "" if match["sign"] in {"", "+"} else "-"
    body = match["body"].strip()
    if match["dash"]:
        integer = body[:-1]
        return _format_numbers(sign, [(integer, "")] if _WHOLE.fullmatch(integer) else [], max_decimals)
    ambiguous_match = _AMBIGUOUS_COMMA.fullmatch(body) or (_AMBIGUOUS_POINT.fullmatch(body) if decimal_comma else None)
    if ambiguous_match:
        integer, decimals = ambiguous_match.groups()
        return [f"{sign}{integer}{decimals}", *([f"{sign}{integer}.{decimals}"] if max_decimals else [])]
    for form in _FORMS:
        if match := form.fullmatch(body):
            return _format_numbers(sign, [(match[1], match[2] or "")], max_decimals)
    return []


def write_unambiguously(number: str) -> str:
    """Return a plain number so that its point cannot be a thousands separator: 1.25 for `1.250`, 01.234 for `1.234`."""
    if not _AMBIGUOUS_POINT.fullmatch(number):
        return number
    return number.rstrip("0").rstrip(".") if number.endswith("0") else f"0{number}"


def list_point_interpretations(text: str, max_decimals: int) -> list[str]:
    """Return the numbers that `1.250` can mean: with the point as thousands separator, and as decimal point.

    The second has no zeros at the end, because `1.25` is unambiguous.
    """
    integer, _, decimals = text.partition(".")
    return _format_numbers("", [(integer + decimals, ""), (integer, decimals.rstrip("0"))], max_decimals)


def strip_trailing_zeros(text: str, max_decimals: int) -> str:
    """Return a plain number without zeros beyond `max_decimals` decimals: `24.000000` becomes `24.00` for two places.

    Any other text is returned unchanged.
    """
    match = _PLAIN.fullmatch(text) if text.endswith("0") else None
    if match is None or match[2][max_decimals:].strip("0"):
        return text
    return f"{match[1]}.{match[2][:max_decimals]}" if max_decimals else match[1]


def _format_numbers(sign: str, parts: list[tuple[str, str]], max_decimals: int) -> list[str]:
    """Return plain numbers from whole digits and decimals, except those with more than `max_decimals` decimals."""
    numbers = []
    for integer, decimals in parts:
        digits = _NO_DIGIT.sub("", integer)
        if (digits or decimals) and not decimals[max_decimals:].strip("0"):
            numbers.append(f"{sign}{digits or '0'}{'.' if decimals[:max_decimals] else ''}{decimals[:max_decimals]}")
    return numbers


def is_number_range(text: str) -> bool:
    """Return whether a text is a range of two numbers, such as `19.99-24.99`."""
    return len(text) <= _MAX_LENGTH and _RANGE.fullmatch(text) is not None
