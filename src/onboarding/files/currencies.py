"""Currency symbols, words and codes in number formats."""

from __future__ import annotations

import unicodedata

_SPELLINGS = (
    "€ eur euro", "$ usd us$", "£ gbp", "¥ jpy 円", "zł pln", "Kč czk kčs", "Ft huf", "₹ inr rs", "R$ brl", "R zar",
    "CHF fr sfr", "lei ron leu", "₽ rub руб", "₴ uah грн", "₺ try tl", "₪ ils", "₩ krw 원", "元 cny rmb 圆 圓",  # noqa: RUF001
    "kr", "kn", "km", "lev", "лв", "ден", "дин", "din", "rm", "rp", "s/", "bs", "b/", "сом", "тг", "dh", "lt", "ls",
    "A$", "AU$", "C$", "CA$", "NZ$", "HK$", "NT$", "S$", "SG$", "MX$",
    "CAD", "AUD", "NZD", "SEK", "NOK", "DKK", "ISK", "BGN", "RSD", "HKD", "SGD", "TWD", "THB", "MYR", "IDR", "PHP",
    "VND", "MXN", "CLP", "COP", "PEN", "ARS", "EGP", "MAD", "AED", "SAR", "QAR", "KWD",
)  # fmt: skip
"""Each currency, followed by its other spellings in lower case. A point at the end is ignored."""

_CURRENCIES = {word.casefold(): group.split()[0] for group in _SPELLINGS for word in group.split()}


def detect_currency(text: str) -> str:
    """Return the currency that a text consists of, in its first spelling; blank if there is none, or other text."""
    name = text.strip().casefold()
    currency = _CURRENCIES.get(name.rstrip("."))
    if currency or not name:
        return currency or ""
    is_symbol = len(set(name)) == 1 and unicodedata.category(name[0]) == "Sc"
    return name[0] if is_symbol else ""


def remove_currency_symbols(text: str) -> str:
    """Remove currency symbols from a text."""
    return text if text.isascii() and "$" not in text else "".join(c for c in text if unicodedata.category(c) != "Sc")
