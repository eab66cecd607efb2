"""Output of the commands: lines and tables for people, JSON for programs."""

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
"""Width of output that is not a terminal, such as the log of a build."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Column:
    """Column of a table. A narrow terminal wraps the columns with `wraps`; the others keep their width."""

    title: str
    justify: JustifyMethod = "left"
    wraps: bool = False


def make_console(*, stderr: bool = False) -> Console:
    """Return a console for stdout or stderr that does not interpret markup, which a file name may contain."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else PLAIN_WIDTH
    return Console(stderr=stderr, width=width, markup=False, emoji=False, highlight=False)


def print_line(text: str = "", *, style: str | None = None, stderr: bool = False) -> None:
    """Print a line without wrapping, so that a user can copy an ID or a link from one line."""
    make_console(stderr=stderr).print(replace_control_characters(text), style=style, soft_wrap=True)


def print_json(value: Mapping[str, object]) -> None:
    """Print one JSON object on one line, which Rich would wrap."""
    print(json.dumps(value, ensure_ascii=False))


def format_count(number: int, noun: str) -> str:
    """Return a number with its noun, such as `1 row` or `1,200 rows`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def replace_control_characters(text: str) -> str:
    """Return `text` with control characters replaced, except line breaks and tabs."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def print_table(columns: Sequence[Column], rows: Iterable[Sequence[object]]) -> None:
    """Print a table without a frame. None is blank; integers have thousands separators, floats one decimal place."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=0, show_edge=False)
    for column in columns:
        table.add_column(
            column.title,
            justify=column.justify,
            no_wrap=not column.wraps,
            overflow="fold" if column.wraps else "ellipsis",
        )
    for row in rows:
        table.add_row(*(_format_cell(value) for value in row))
    make_console().print(table)


def _format_cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.1f}"
    return replace_control_characters(str(value))
