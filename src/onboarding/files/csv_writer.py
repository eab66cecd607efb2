"""Writer of CSV files that are uploaded again."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from onboarding.files.delimiter import DELIMITERS
from onboarding.files.formula_escaping import escape_formula


def build_csv(names: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    """Return a CSV file in UTF-8 with a byte order mark, with escaped formulas.

    Its delimiter is the one that the values contain least, so that no value looks like lines of the file.
    """
    lines = [list(map(escape_formula, row)) for row in rows]
    delimiter = min(DELIMITERS, key=lambda sign: max(value.count(sign) for line in lines for value in line))
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerows([names, *lines])
    return text.getvalue().encode("utf-8-sig")
