"""Text of cells in workbooks that we write and that are uploaded again."""

from __future__ import annotations

import re

from onboarding.files.formula_escaping import escape_formula, unescape_formula

_MAX_CELL_BYTES = 2 * 32_767
"""Maximum length of a cell in Excel, in bytes of UTF-16. The text of a known column is shorter, or has an error."""

# Characters that XML cannot have, and `_` between texts that look like escapes of characters: they cannot be written. A
# character without meaning takes their place, so that the value has an error when it is read.
_NOT_WRITABLE = re.compile("[\ufffe\uffff]|(?<=_x[0-9A-Fa-f]{4})_(?=x[0-9A-Fa-f]{4}_)")
_MEANINGLESS = "\ufffb"


def build_cell_text(value: str) -> str:
    """Return a value as a text cell has it: it is escaped like in a CSV file only if reading would unescape it."""
    if unescape_formula(value) != value:
        value = escape_formula(value)
    if 2 * len(value) > _MAX_CELL_BYTES // 2:
        value = value.encode("utf-16-le")[:_MAX_CELL_BYTES].decode("utf-16-le", "ignore")
    return replace_not_writable(value)


def replace_not_writable(text: str) -> str:
    """Return a text in which the characters that a workbook cannot contain are replaced."""
    return _NOT_WRITABLE.sub(_MEANINGLESS, text)
