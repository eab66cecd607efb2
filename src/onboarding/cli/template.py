"""`onboarding template`: a file to start from, made from the rules as they are."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from onboarding.cli.errors import CommandError
from onboarding.cli.options import State
from onboarding.cli.output import say
from onboarding.cli.target import asking
from onboarding.domain.product_schema import DEFAULT_CATEGORIES
from onboarding.files.product_template import as_csv, as_xlsx


def template(
    *,
    xlsx: Annotated[bool, typer.Option("--xlsx", help="A workbook, with the categories to choose from.")] = False,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Where to write it.")] = None,
    state: State = None,
) -> None:
    """Write a file with every column and a sample row.

    The categories are those of the running pipeline, or the default ones where none runs.
    """
    path = output or Path("product-template.xlsx" if xlsx else "product-template.csv")
    if path.exists() and output is None:
        raise CommandError(f"{path} is there already. Name another with -o, or the same to replace it")
    with ExitStack() as stack:
        categories = _categories(stack, state)
    path.write_bytes(as_xlsx(categories) if xlsx else as_csv(categories))
    say(f"{path} has every column and one sample row: put your products in its place.")


def _categories(stack: ExitStack, state: Path | None) -> list[str]:
    try:
        pipeline = stack.enter_context(asking(state))
    except CommandError:
        if state is not None:
            raise
        return list(DEFAULT_CATEGORIES)
    _, ask = pipeline
    return list(ask("active_categories")["categories"])
