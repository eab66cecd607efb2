"""Currencies as number formats write them: symbols, words and codes."""

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
"""Each currency, with other words and codes for it in small letters. A point behind them makes no difference."""

_KNOWN = {word.casefold(): group.split()[0] for group in _SPELLINGS for word in group.split()}


def currency_of(text: str) -> str:
    """The currency that a text names, in one spelling for each; blank if it names none, or more than that."""
    name = text.strip().casefold()
    known = _KNOWN.get(name.rstrip("."))
    if known or not name:
        return known or ""
    is_symbol = len(set(name)) == 1 and unicodedata.category(name[0]) == "Sc"
    return name[0] if is_symbol else ""


def without_symbols(text: str) -> str:
    """A text without the symbols of currencies."""
    return text if text.isascii() and "$" not in text else "".join(c for c in text if unicodedata.category(c) != "Sc")
