"""The statements, one file each; `statement` gives the text of one by its name."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import LiteralString

_FOLDER = files(__name__)

# psycopg takes literals for SQL, to keep data out of it. A file of this package is as literal as the code beside it.


@cache
def statement(name: str) -> LiteralString:
    """The text of `<name>.sql` in this folder."""
    return (_FOLDER / f"{name}.sql").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Migration:
    """One change of the schema. Its name identifies it; the number gives the order, and may change until a release."""

    number: int
    name: str
    text: LiteralString

    @property
    def file_name(self) -> str:
        return f"{self.number:04d}_{self.name}.sql"

    @property
    def checksum(self) -> str:
        """The SHA-256 of the text, the same for all line ends that a checkout may give it."""
        return sha256("\n".join(self.text.splitlines()).encode()).hexdigest()


def migrations() -> list[Migration]:
    """The migrations in order. Raises ValueError if two have one name."""
    found = sorted((f for f in (_FOLDER / "migrations").iterdir() if f.name.endswith(".sql")), key=lambda f: f.name)
    made = []
    for file in found:
        number, name = file.name.removesuffix(".sql").split("_", 1)
        made.append(Migration(int(number), name, file.read_text(encoding="utf-8")))
    names = [migration.name for migration in made]
    if len(set(names)) < len(names):
        raise ValueError(f"two migrations have one name: {', '.join(names)}")
    return made
