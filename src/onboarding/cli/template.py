"""`onboarding template`: product file with every column and a sample row."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from onboarding.cli.errors import CommandError
from onboarding.cli.options import State
from onboarding.cli.output import print_line
from onboarding.cli.target import connect_admin
from onboarding.domain.product_schema import DEFAULT_CATEGORIES
from onboarding.files.product_template import build_csv_template, build_xlsx_template


def template(
    *,
    xlsx: Annotated[bool, typer.Option("--xlsx", help="Write a workbook with a list of the categories.")] = False,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Path of the file.")] = None,
    state: State = None,
) -> None:
    """Write a file with every column and a sample row.

    The categories are the active ones of the pipeline, or the default ones without a pipeline.
    """
    path = output or Path("product-template.xlsx" if xlsx else "product-template.csv")
    if path.exists() and output is None:
        raise CommandError(f"{path} already exists. Name another path with -o, or the same one to replace it")
    with ExitStack() as stack:
        categories = _list_categories(stack, state)
    path.write_bytes(build_xlsx_template(categories) if xlsx else build_csv_template(categories))
    print_line(f"Wrote {path}. Replace its sample row with your products.")


def _list_categories(stack: ExitStack, state: Path | None) -> list[str]:
    """Return the active categories, or the default ones without a pipeline. Raises CommandError for a named state."""
    try:
        _, run_action = stack.enter_context(connect_admin(state))
    except CommandError:
        if state is not None:
            raise
        return list(DEFAULT_CATEGORIES)
    return list(run_action("list_active_categories")["categories"])
