"""Words that spreadsheet programs write into cells, from `spreadsheet_words.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files


def list_words(section: str) -> frozenset[str]:
    """Return the single words of a section, of all languages."""
    return frozenset(word for text in list_texts(section) for word in text.split())


def list_texts(section: str) -> Iterator[str]:
    """Yield the texts of a section, each complete, of all languages."""
    for value in _load_sections()[section].values():
        yield from [value] if isinstance(value, str) else value


@cache
def _load_sections() -> dict[str, dict[str, str | list[str]]]:
    return tomllib.loads((files(__package__) / "spreadsheet_words.toml").read_text(encoding="utf-8"))
