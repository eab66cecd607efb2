"""Formulas and the errors of formulas, as spreadsheet programs write them in the languages of their users. Pure."""

from __future__ import annotations

import re

from onboarding.domain.spreadsheet_words import texts, words

_FAULTS = words("faults")
_WAITING = "|".join(map(re.escape, texts("waiting")))
# As terminals of data services write it (`#N/A Requesting Data...`); a column that is too narrow; LibreOffice's, in the
# word of each language; what Google Sheets shows meanwhile.
_FAULT = re.compile(
    rf"#N/A [^\n]*|#{{4,}}|[^\W\d_]{{3,6}}[ \u00a0]?:5[0-9]{{2}}|(?:{_WAITING})(?: ?\.\.\.| ?…)", re.IGNORECASE
)
_LONGEST = 60
# "=" and then what a formula can go on with; a line of equals signs, or "= 5 pieces", is text.
_FORMULA = re.compile(r"=(?:[A-Za-z_$\\][\w.$!:]*[(+\-*/&!:]?|[\"'(\[{@+\-]|[0-9]+[-+*/^&]|\?).*", re.DOTALL)

TEXT_FORMULA = re.compile(r'="([^"]*)"')
"""An export's way to have Excel keep a text: `="00123"`."""


def is_formula_error(text: str) -> bool:
    """Whether a text is the error of a formula."""
    return len(text) <= _LONGEST and (text.upper() in _FAULTS or _FAULT.fullmatch(text) is not None)


def is_formula(text: str) -> bool:
    """Whether a text is a formula, not its value."""
    return _FORMULA.fullmatch(text) is not None
