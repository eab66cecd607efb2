"""The words that spreadsheet programs write into cells, by language: `spreadsheet_words.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files


def words(section: str) -> frozenset[str]:
    """All words of a section, whatever their language."""
    return frozenset(word for text in texts(section) for word in text.split())


def texts(section: str) -> Iterator[str]:
    """The texts of a section as they stand in the file."""
    for text in _sections()[section].values():
        yield from [text] if isinstance(text, str) else text


@cache
def _sections() -> dict[str, dict[str, str | list[str]]]:
    return tomllib.loads((files(__package__) / "spreadsheet_words.toml").read_text(encoding="utf-8"))
