"""How the commands write: Rich where a person reads, JSON where a program does."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console, JustifyMethod
from rich.table import Table

PLAIN_WIDTH = 120
"""Columns where nobody says how many there are, such as in the log of a build."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Column:
    """A table's column. One that may fold gives way when the terminal is narrow; the others keep their width."""

    title: str
    justify: JustifyMethod = "left"
    folds: bool = False


def console(*, stderr: bool = False) -> Console:
    """Where to print. Text is taken as it stands: a vendor's file name may look like markup."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else PLAIN_WIDTH
    return Console(stderr=stderr, width=width, markup=False, emoji=False, highlight=False)


def say(text: str = "", *, style: str | None = None, stderr: bool = False) -> None:
    """Print a line as long as it is: whoever copies an id or a link out of it gets it whole."""
    console(stderr=stderr).print(shown(text), style=style, soft_wrap=True)


def say_json(value: Mapping[str, object]) -> None:
    """Print one JSON object on one line, however long; Rich would wrap it."""
    print(json.dumps(value, ensure_ascii=False))


def shown(text: str) -> str:
    """`text` with whatever would drive the terminal replaced; line breaks and tabs stay."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def table(columns: Sequence[Column], rows: Iterable[Sequence[object]]) -> Table:
    """A table without a frame, narrow enough for 80 columns; None is shown as nothing, numbers with thousands apart."""
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=0, show_edge=False)
    for column in columns:
        made.add_column(
            column.title,
            justify=column.justify,
            no_wrap=not column.folds,
            overflow="fold" if column.folds else "ellipsis",
        )
    for row in rows:
        made.add_row(*(_cell(value) for value in row))
    return made


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.1f}"
    return shown(str(value))
