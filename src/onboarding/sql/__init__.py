"""The statements, one file each; `statement` gives the text of one by its name."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import LiteralString

_FOLDER = files(__name__)

# psycopg takes literals for SQL, to keep data out of it. A file of this package is as literal as the code beside it.


@cache
def statement(name: str) -> LiteralString:
    """The text of `<name>.sql` in this folder."""
    return (_FOLDER / f"{name}.sql").read_text(encoding="utf-8")


def migrations() -> list[tuple[int, str, LiteralString]]:
    """The migrations in order: number, file name, text."""
    found = sorted((f for f in (_FOLDER / "migrations").iterdir() if f.name.endswith(".sql")), key=lambda f: f.name)
    return [(int(f.name.split("_", 1)[0]), f.name, f.read_text(encoding="utf-8")) for f in found]
