"""Sentences of the error summary of an upload."""

from __future__ import annotations

from onboarding.domain.error_summary import ErrorGroup


def test_error_group_sentence_is_short_and_on_one_line() -> None:
    group = ErrorGroup("FIELD_LENGTH_EXCEEDED", "brand", "b\n" * 100, "", "", "It is 99 characters too long", 1_234, 1)
    assert group.sentence == f"1,234 rows: brand '{'b<U+000A>' * 4}b<U+…', it is 99 characters too long"
