"""Named SQL queries, one file for each repository."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import LiteralString

# psycopg accepts only literal strings as SQL, to keep data out of it. The files of this package are trusted like code.
_QUERY = re.compile(r"^-- name: (\w+)$.*?(?=^-- name: |\Z)", re.MULTILINE | re.DOTALL)


def query(name: str) -> LiteralString:
    """Return the text of a query. Raises KeyError for an unknown name."""
    return all_queries()[name]


@cache
def all_queries() -> dict[str, LiteralString]:
    """Return the text of every query by its name. Raises ValueError if two queries have the same name."""
    queries: dict[str, LiteralString] = {}
    for file in files(__name__).iterdir():
        for match in _QUERY.finditer(file.read_text(encoding="utf-8") if file.name.endswith(".sql") else ""):
            if match[1] in queries:
                raise ValueError(f"two queries are named {match[1]}")
            queries[match[1]] = match[0].rstrip()
    return queries
