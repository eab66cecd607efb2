"""Checks of identifier columns: similar identifiers, several identifiers in one value, and damage by programs.

Most functions take the values of one column by row number. Identifiers are compared and stored in Unicode's composed
form (NFC), in which `É` is always one character.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from onboarding.domain.dates import (
    MONTH_PREFIXES,
    MONTH_WORD_PREFIXES,
    has_short_date_form,
    is_date,
    is_short_date,
    may_be_date,
)

_MIN_CODE_LENGTH = 5
"""Minimum number of digits of codes: shorter numbers of equal length are probably counts."""

_MIN_SAME_LENGTH_SHARE = 0.6
"""Minimum share of equally long codes for which shorter ones are reported."""

_MIN_LONG_CODE, _LOST_DIGITS, _EXACT_DIGITS = 11, 5, 15
"""Spreadsheets store 15 digits of a number and show 6 of a long one; the other digits of a code become zeros."""

_GROUP_LENGTH = 3
"""Number of digits between two thousands separators."""

_MAX_CHANCE_ZEROS = 3
"""Number of codes of 16 digits that may all end in zero by chance."""

_DIGITS = frozenset("0123456789")
_MONTH_BEGINNINGS = MONTH_PREFIXES | MONTH_WORD_PREFIXES
# Includes the number formats of spreadsheets: 1,234.00 and 1.234,00.
_NUMBER = re.compile(
    r"(?:[0-9]{1,3}(?:,[0-9]{3})+(?=\.)|[0-9]{1,3}(?:[. \u00a0\u202f][0-9]{3})+(?=,)|[0-9]+)"
    r"(?:[.,](?P<decimals>[0-9]+))?"
)
_GROUPED = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+")
_MULTIPLE_IDENTIFIERS = re.compile(r"[^,;|]{2,}(?:[,;|][^,;|]{2,})+")
_DECIMAL = re.compile(r"[0-9]+,[0-9]+")
_WORD = re.compile(r"[^\W_]+")

# Characters with the shape of a Latin letter or an ASCII sign.
_LOOKALIKES = {
    # Cyrillic.
    **str.maketrans(
        "\u0410\u0412\u0421\u0415\u041d\u0406\u0408\u041a\u041c\u041e\u0420\u0405\u0422\u0425", "ABCEHIJKMOPSTX"
    ),
    **str.maketrans(
        "\u0423\u04ae\u050c\u051a\u051c\u0430\u0501\u0435\u04bb\u0456\u0458\u04cf\u043e\u051b", "YYGQWadehijloq"
    ),
    **str.maketrans("\u0440\u0455\u051d\u0445\u0443\u0475\u0441", "pswxyvc"),
    # Greek.
    **str.maketrans(
        "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7", "ABEZHIKMNOPTYX"
    ),
    **str.maketrans("\u03bf\u03bd\u03c1\u03c5", "ovpu"),
    # Armenian.
    **str.maketrans("\u0585\u057d\u0555\u054d", "ouOU"),
    # Dashes and apostrophes.
    **str.maketrans("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63\u2018\u2019\u02bc", "--------'''"),
}
_COMPATIBLE = re.compile("[\uff01-\uff5e\u2160-\u217f\U0001d400-\U0001d7ff]")


def normalize_identifier(text: str) -> str:
    """Return an identifier in composed form (NFC), in which it is compared and stored."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def replace_lookalikes(text: str) -> str:
    """Return a text with Latin letters in place of the letters of other scripts that have their shape."""
    if text.isascii():
        return text
    return _COMPATIBLE.sub(lambda match: unicodedata.normalize("NFKC", match[0]), text).translate(_LOOKALIKES)


def find_lookalikes(values: Mapping[int, str]) -> list[int]:
    """Return the rows whose identifier has characters that look like others.

    Either the whole identifier looks like ASCII, or one of its words has Latin letters and letters of another script.
    """
    if "".join(values.values()).isascii():
        return []
    return [n for n, value in values.items() if not value.isascii() and _has_lookalikes(value)]


def _has_lookalikes(text: str) -> bool:
    latin_text = replace_lookalikes(text)
    if latin_text == text:
        return False
    return latin_text.isascii() or any(_has_two_scripts(word) for word in _WORD.findall(text))


def _has_two_scripts(word: str) -> bool:
    if word.isascii():
        return False
    scripts = {unicodedata.name(letter, "").split(" ")[0] for letter in word if letter.isalpha()}
    return len(scripts) > 1 and "LATIN" in scripts


def find_similar_pairs(values: Mapping[int, str]) -> list[tuple[int, int]]:
    """Return pairs of rows whose identifiers differ only in case, or in characters that look alike."""
    identifiers = set(values.values())
    if len({replace_lookalikes(value.casefold()) for value in identifiers}) == len(identifiers):
        return []
    first_rows: dict[str, int] = {}
    pairs = []
    for row_number, value in values.items():
        first_row = first_rows.setdefault(replace_lookalikes(value).casefold(), row_number)
        if values[first_row] != value:
            pairs.append((first_row, row_number))
    return pairs


def find_multiple_identifiers(values: Mapping[int, str]) -> list[int]:
    """Return the rows whose value seems to be several identifiers, separated by commas, semicolons or bars."""
    text = "".join(values.values())
    if not any(separator in text for separator in ",;|"):
        return []
    return [
        n for n, value in values.items() if _MULTIPLE_IDENTIFIERS.fullmatch(value) and not _DECIMAL.fullmatch(value)
    ]


def detect_column_damage(values: Mapping[int, str]) -> tuple[str, list[int]]:
    """Return the damage of a column, a key of `spreadsheet_damage.COLUMN_DAMAGE` or blank, and the damaged rows.

    - `decimals`: all numbers, at least two, have the same zero decimals (`12345.0`).
    - `groups`: all numbers of more than three digits, at least two, have thousands separators (`12,345`).
    - `dates`: all values with the form of a date with a two-digit year are dates (`01.03.24`); in a column with dates,
      also values that may be dates.
    """
    text = "".join(values.values())
    if ".0" in text or ",0" in text:
        numbers = {n: match for n, value in values.items() if (match := _NUMBER.fullmatch(value))}
        decimals = {match["decimals"] or "" for match in numbers.values()}
        if len(numbers) > 1 and len(decimals) == 1 and set(*decimals) == {"0"}:
            return "decimals", list(numbers)
    if "," in text and (grouped_rows := _find_grouped_numbers(values)):
        return "groups", grouped_rows
    date_like = set(select_date_like(values.values()))
    dates = set()
    if "." in text or "/" in text:
        short_dates = {value for value in date_like if "-" not in value and has_short_date_form(value)}
        if all(map(is_short_date, short_dates)):
            dates = short_dates
    possible_dates = set(filter(may_be_date, date_like))
    if len(possible_dates) > len(dates) and (dates or any(map(is_date, date_like))):
        dates = possible_dates
    return ("dates", [n for n, value in values.items() if value in dates]) if dates else ("", [])


def _find_grouped_numbers(values: Mapping[int, str]) -> list[int]:
    """Return the rows with thousands separators, if every number of the column above 999 has them."""
    grouped_rows = [n for n, value in values.items() if _GROUPED.fullmatch(value)]
    other_numbers = [value for value in values.values() if not _GROUPED.fullmatch(value) and _NUMBER.fullmatch(value)]
    are_others_small = all(value.isdecimal() and len(value) <= _GROUP_LENGTH for value in other_numbers)
    return grouped_rows if are_others_small and len(grouped_rows) > 1 else []


def select_date_like(values: Iterable[str]) -> list[str]:
    """Return the values that begin like a date and are not numbers: a cheap selection that excludes most values."""
    return [v for v in values if (v[0] in _DIGITS and not v.isdecimal()) or v[:3] in _MONTH_BEGINNINGS]


def find_lost_zeros(values: Mapping[int, str]) -> Sequence[int]:
    """Return the rows whose code seems to lack leading zeros.

    All values of the column are digits, most are equally long, and these are shorter.
    """
    if not values or not all(value.isdecimal() and value.isascii() and value[0] != "0" for value in values.values()):
        return ()
    lengths = Counter(map(len, values.values()))
    length, count = lengths.most_common(1)[0]
    if length < _MIN_CODE_LENGTH or count < _MIN_SAME_LENGTH_SHARE * len(values):
        return ()
    return [row_number for row_number, value in values.items() if len(value) < length]


def find_lost_digits(values: Mapping[int, str]) -> Sequence[int]:
    """Return the rows whose code seems to have zeros in place of its last digits.

    At least half of the long codes of the column end in such zeros.
    """
    long_codes = {n: value for n, value in values.items() if value.isdecimal() and len(value) >= _MIN_LONG_CODE}
    damaged_rows = [n for n, value in long_codes.items() if _has_lost_digits(value)]
    # Only the 16th digit is lost here, and one code in ten ends in zero by chance.
    codes_of_16_digits = [n for n, value in long_codes.items() if len(value) == _EXACT_DIGITS + 1]
    if len(codes_of_16_digits) > _MAX_CHANCE_ZEROS and all(values[n].endswith("0") for n in codes_of_16_digits):
        damaged_rows = sorted({*damaged_rows, *codes_of_16_digits})
    return damaged_rows if len(damaged_rows) > 1 and len(damaged_rows) >= len(long_codes) / 2 else ()


def _has_lost_digits(code: str) -> bool:
    zeros = len(code) - len(code.rstrip("0"))
    return zeros >= _LOST_DIGITS or (len(code) > _EXACT_DIGITS + 1 and zeros >= len(code) - _EXACT_DIGITS)
