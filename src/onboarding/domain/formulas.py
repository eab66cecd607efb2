"""Detection of formulas and formula errors as spreadsheet programs write them, in many languages."""

from __future__ import annotations

import re

from onboarding.domain.spreadsheet_words import list_texts, list_words

_ERRORS = list_words("formula_errors")
_LOADING = "|".join(map(re.escape, list_texts("loading")))
# In this order: data services (`#N/A Requesting Data...`); a column that is too narrow (`####`); LibreOffice in any
# language (`Err:502`); Google Sheets while it loads a value.
_ERROR_FORM = re.compile(
    rf"#N/A [^\n]*|#{{4,}}|[^\W\d_]{{3,6}}[ \u00a0]?:5[0-9]{{2}}|(?:{_LOADING})(?: ?\.\.\.| ?…)", re.IGNORECASE
)
_MAX_LENGTH = 60
# "=" and the beginning of an expression; a line of equals signs, or "= 5 pieces", is text.
_FORMULA = re.compile(r"=(?:[A-Za-z_$\\][\w.$!:]*[(+\-*/&!:]?|[\"'(\[{@+\-]|[0-9]+[-+*/^&]|\?).*", re.DOTALL)

TEXT_FORMULA = re.compile(r'="([^"]*)"')
"""Formula by which exports make Excel keep a text: `="00123"`."""


def is_formula_error(text: str) -> bool:
    """Return whether a text is the error of a formula, such as `#REF!`."""
    return len(text) <= _MAX_LENGTH and (text.upper() in _ERRORS or _ERROR_FORM.fullmatch(text) is not None)


def is_formula(text: str) -> bool:
    """Return whether a text is a formula instead of its value."""
    return _FORMULA.fullmatch(text) is not None
