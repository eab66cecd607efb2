"""Writes docs/cli.md from the commands themselves: `make reference`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import typer
from typer.cli import get_docs_for_click

from onboarding.cli.main import app

PAGE = Path(__file__).parents[1] / "docs" / "cli.md"


def cli_page() -> str:
    """The page: each command with its arguments, options and defaults."""
    command = typer.main.get_command(app)
    whole_sentences(command)
    page = get_docs_for_click(obj=command, ctx=typer.Context(command), name="onboarding", title="The command line")
    return page.strip() + "\n"


def whole_sentences(command: Any) -> None:
    """Have lists of commands say each one's whole first sentence, which Typer would cut short."""
    if command.help:
        command.short_help = re.split(r"(?<=\.)\s", command.help, maxsplit=1)[0]
    if isinstance(command, typer.core.TyperGroup):
        for child in command.commands.values():
            whole_sentences(child)


if __name__ == "__main__":
    PAGE.write_text(cli_page(), encoding="utf-8")
