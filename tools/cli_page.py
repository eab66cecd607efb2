"""Generator of docs/cli.md from the commands: `make reference`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from onboarding.cli.main import app

PAGE = Path(__file__).parents[1] / "docs" / "cli.md"

COMMON = ("--help", "--json", "--state", "--mode", "--on-error", "--force")
"""Options that the page describes once."""

COMMON_OPTIONS = """Many commands also have `--state PATH` (the state directory) and `--json` (one JSON object instead
of text), `validate` and `upload` also the [upload options](csv-format.md#upload-options). Defaults are in brackets."""

METAVARS = {"str": "TEXT", "path": "PATH", "int": "N", "int range": "N", "float range": "N"}


def cli_page() -> str:
    """Return the page: a section for each command or group of commands, with its options in a table."""
    root: Any = typer.main.get_command(app)
    sections = "\n".join(_section(name, command) for name, command in root.commands.items())
    return f"# Commands\n\n{root.help}\n\n{COMMON_OPTIONS}\n\n{sections}"


def _section(name: str, command: Any) -> str:
    group = command.commands if isinstance(command, typer.core.TyperGroup) else {}
    lines = [f"## {name}", ""]
    if group:
        lines += [_prose(command.help), ""]
    rows = [] if group and not command.invoke_without_command else list(_options(command))
    for child_name, child in group.items():
        rows += [(f"{child_name}{_usage(child)}", _prose(child.help)), *_options(child)]
    if not group:
        lines += [f"`onboarding {name}{_usage(command)}`: {_prose(command.help)}", ""]
    if rows:
        lines += [f"| {'Command, option' if group else 'Option'} | Meaning |", "| --- | --- |"]
        lines += [f"| `{usage}` | {meaning} |" for usage, meaning in rows] + [""]
    return "\n".join(lines)


def _usage(command: Any) -> str:
    """Return the arguments of a command, its required options and those without a help text."""
    words = []
    for parameter in command.params:
        is_argument = parameter.param_type_name == "argument"
        if is_argument or parameter.required or not parameter.help:
            word = _metavar(parameter) if is_argument else f"{parameter.opts[0]} {_metavar(parameter)}"
            words.append(word if parameter.required else f"[{word}]")
    return "".join(f" {word}" for word in words)


def _options(command: Any) -> Iterator[tuple[str, str]]:
    """Yield the options of a command: usage, and meaning with the default."""
    for parameter in command.params:
        names = [*parameter.opts, *parameter.secondary_opts]
        if parameter.param_type_name == "argument" or not parameter.help or names[-1] in COMMON:
            continue
        usage = ", ".join(names) if parameter.is_flag else f"{', '.join(names)} {_metavar(parameter)}"
        default = "" if parameter.default in (None, False, "") or parameter.required else f" [{parameter.default}]"
        yield usage.replace("|", "\\|"), f"{_prose(parameter.help)}{default}"


def _metavar(parameter: Any) -> str:
    """Return the placeholder of a value: the choices, or a word for its type."""
    if parameter.metavar:
        return str(parameter.metavar).strip("[]")
    if parameter.param_type_name == "argument":
        return str(parameter.name).upper()
    kind = parameter.display_type(typer.Context(typer.core.TyperCommand(None))).strip("<>")
    return "TIME" if "%" in kind else METAVARS.get(kind, kind)


def _prose(text: str | None) -> str:
    """Return a help text on one line, safe in a table."""
    return re.sub(r"\s+", " ", text or "").strip().replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(cli_page(), encoding="utf-8")
