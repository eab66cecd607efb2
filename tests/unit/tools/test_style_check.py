"""The style check finds words and phrases, also across lines of a comment."""

from __future__ import annotations

import pytest

from tools.style_check import check_text


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("Stage the rows\nanew.", 2, "anew"),
        ("# The vendor was told\n# of it.", 1, "told # of"),
        ("select * from undo_kept", 1, "undo_kept"),
        ("Whatever follows", 1, "Whatever"),
    ],
)
def test_check_text_private_word_is_reported_with_its_line(text: str, line: int, words: str) -> None:
    assert [(hit[0], hit[1]) for hit in check_text(text)] == [(line, words)]


@pytest.mark.parametrize("text", ["wall-clock time", "taken into account", "for good reasons", "Stage the rows again."])
def test_check_text_ordinary_words_are_not_reported(text: str) -> None:
    assert list(check_text(text)) == []
