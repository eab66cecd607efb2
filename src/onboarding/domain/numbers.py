"""Numbers as people and programs write them, read as plain ones: for hints, and where no other reading exists. Pure."""

from __future__ import annotations

import re

from onboarding.domain.formulas import TEXT_FORMULA

_LONGEST = 60

# What people write beside a number; nothing that would change its meaning, as grams would.
_BESIDE = (
    r"(?:[A-Z]{0,2}\$|[€£¥₹₽₺₴₩₫₪฿₱₦₸₼₾₡₲₵]|"
    "USD|EUR|GBP|CHF|JPY|CAD|AUD|NZD|SEK|NOK|DKK|ISK|PLN|CZK|HUF|RON|BGN|TRY|RUB|UAH|INR|CNY|RMB|KRW|BRL|MXN|ARS|CLP|"
    r"COP|PEN|ZAR|ILS|AED|SAR|SGD|HKD|TWD|THB|MYR|IDR|PHP|VND|zł|kr\.?|Kč|Ft|lei|\u043b\u0432\.?|\u0440\u0443\u0431\.?|\u0433\u0440\u043d\.?|Rs\.?|S/\.?|TL|RM|"
    r"Rp\.?|S?Fr\.?|Euro|kg|pcs\.?|pieces|Stk\.?|Stück|\u0448\u0442\.?)"
)
_GAP = "[ \u00a0\u2007\u2009\u202f]"
_SPACES = "[ \u00a0\u2007\u2009\u202f'\u2019\u00b4`]"
_MINUS = "[-\u2212\u2013]"
_NUMBER = re.compile(
    rf"(?:{_BESIDE}{_GAP}*)?(?P<sign>[+\u2212-]?)(?:{_BESIDE}{_GAP}*)?(?P<body>[0-9.,](?:[0-9.,]|{_SPACES})*)"
    rf"(?P<dash>(?<=[.,])(?:-{{1,2}}|[\u2212\u2013\u2014]))?(?:{_GAP}*{_BESIDE})?",
    re.IGNORECASE,
)
_INSTEAD_OF_SIGN = re.compile(r"([0-9]+)[€$£]([0-9]{2})")
# 1,234 and, where commas stand before decimals, 1.234.
_EITHER_COMMA = re.compile(r"([1-9][0-9]{0,2}),([0-9]{3})")
_EITHER_POINT = re.compile(r"([1-9][0-9]{0,2})\.([0-9]{3})")
_FORMS = (
    re.compile(r"([0-9]*)(?:\.([0-9]*))?"),
    re.compile(r"([0-9]*),([0-9]*)"),
    re.compile(rf"([1-9][0-9]{{0,2}}(?:{_SPACES}[0-9]{{3}})+)(?:[.,]([0-9]*))?"),
    re.compile(r"([1-9][0-9]{0,2}(?:,[0-9]{3})+)\.([0-9]*)"),
    re.compile(r"([1-9][0-9]{0,2}(?:\.[0-9]{3})+),([0-9]*)"),
    re.compile(r"([1-9][0-9]{0,2}(?:,[0-9]{3}){2,})()"),
    re.compile(r"([1-9][0-9]{0,2}(?:\.[0-9]{3}){2,})()"),
    # Lakhs and crores.
    re.compile(r"([1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3})(?:\.([0-9]*))?"),
)
_WHOLE = re.compile(rf"[0-9]+|[1-9][0-9]{{0,2}}(?:(?:{_SPACES}|[.,])[0-9]{{3}})+")
_PLAIN = re.compile(r"(-?[0-9]+)\.([0-9]+)")
_NO_DIGIT = re.compile("[^0-9]")
_RANGE = re.compile(
    rf"[^0-9]{{0,12}}[0-9][0-9.,]*[^0-9]{{0,3}}{_GAP}*(?:{_MINUS}|/|to|bis|à|a|until){_GAP}*[^0-9]{{0,3}}[0-9][0-9.,]*[^0-9]{{0,12}}"
)


def list_possible_numbers(text: str, places: int, *, decimal_comma: bool = False) -> list[str]:
    """The plain numbers that a text can mean, such as `1234.50` for `$1,234.50`; none if it is in doubt.

    Two where a comma may stand before decimals or between thousands. `decimal_comma` says that the column has such
    commas. A number with more than `places` decimals is none, but for zeros.
    """
    if len(text) > _LONGEST:
        return []
    kept = TEXT_FORMULA.fullmatch(text)
    text = (kept[1] if kept else text).removeprefix("'").strip()
    if found := _INSTEAD_OF_SIGN.fullmatch(text):
        return _numbers("", [(found[1], found[2])], places)
    found = _NUMBER.fullmatch(text)
    if found is None:
        return []
    sign = "" if found["sign"] in {"", "+"} else "-"
    body = found["body"].strip()
    if found["dash"]:
        whole = body[:-1]
        return _numbers(sign, [(whole, "")] if _WHOLE.fullmatch(whole) else [], places)
    either = _EITHER_COMMA.fullmatch(body) or (_EITHER_POINT.fullmatch(body) if decimal_comma else None)
    if either:
        whole, decimals = either.groups()
        return [f"{sign}{whole}{decimals}", *([f"{sign}{whole}.{decimals}"] if places else [])]
    for form in _FORMS:
        if found := form.fullmatch(body):
            return _numbers(sign, [(found[1], found[2] or "")], places)
    return []


def list_point_interpretations(text: str, places: int) -> list[str]:
    """The numbers that `1.250` can mean where its point may stand before decimals or between thousands.

    Without zeros at the end: `1.25` can be read in one way alone.
    """
    whole, _, decimals = text.partition(".")
    return _numbers("", [(whole + decimals, ""), (whole, decimals.rstrip("0"))], places)


def strip_trailing_zeros(text: str, places: int) -> str:
    """A plain number without zeros behind its last decimal place: `24.000000` is `24.00`, `10.0` pieces are `10`.

    Any other text as it is.
    """
    found = _PLAIN.fullmatch(text) if text.endswith("0") else None
    if found is None or found[2][places:].strip("0"):
        return text
    return f"{found[1]}.{found[2][:places]}" if places else found[1]


def _numbers(sign: str, parts: list[tuple[str, str]], places: int) -> list[str]:
    numbers = []
    for whole, decimals in parts:
        digits = _NO_DIGIT.sub("", whole)
        if (digits or decimals) and not decimals[places:].strip("0"):
            numbers.append(f"{sign}{digits or '0'}{'.' if decimals[:places] else ''}{decimals[:places]}")
    return numbers


def is_number_range(text: str) -> bool:
    """Whether a text is two numbers, from one to the other, such as `19.99-24.99`."""
    return len(text) <= _LONGEST and _RANGE.fullmatch(text) is not None
