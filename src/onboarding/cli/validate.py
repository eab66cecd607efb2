"""`onboarding validate`: what would become of a file, with the very code that an upload runs, and nothing written."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from onboarding.cli.connect import connected
from onboarding.cli.console import Column, console, say, say_json, table
from onboarding.cli.failures import CommandError
from onboarding.cli.options import ForceOption, Json, ModeOption, OnErrorOption, State
from onboarding.cli.transfer import ALL_VALID, REFUSED, SOME_FAILED, check_name
from onboarding.database import Database
from onboarding.dry_run import DryRun, dry_run
from onboarding.model import Mode, OnError, Outcome, RowError
from onboarding.options import Options
from onboarding.summary import summarised

LINES_SHOWN = 50
"""Errors that are listed for a person; a program gets all of them."""


def validate(
    file: Annotated[Path, typer.Argument(help="The file, as it would be uploaded.")],
    vendor: Annotated[str, typer.Option(help="Whose file it is, such as VEND001.")],
    *,
    mode: ModeOption = Mode.CREATE,
    on_error: OnErrorOption = OnError.REJECT_ROWS,
    force: ForceOption = False,
    offline: Annotated[bool, typer.Option("--offline", help="Do not ask the catalog, even if it is there.")] = False,
    as_json: Json = False,
    state: State = None,
) -> None:
    """Say what would become of a file, without uploading it.

    Without a local engine and AWS, the rules that need the catalog are left out, and the categories are the default
    ones. Ends with 0 when every row is valid, 2 when some are not, 3 when the file would be refused, and 1 when the
    fault is not the file's.
    """
    check_name(file)
    content = file.read_bytes()
    with ExitStack() as stack:
        database = None if offline else _database(stack, state)
        answer = dry_run(database.run if database else None, content, vendor, Options(mode, on_error, force))
    if as_json:
        say_json(described(answer))
    else:
        _show(answer)
    raise typer.Exit(exit_code(answer))


def exit_code(answer: DryRun) -> int:
    if answer.refusal:
        return REFUSED
    return SOME_FAILED if answer.errors else ALL_VALID


def described(answer: DryRun) -> dict[str, object]:
    """A dry run as a program gets it."""
    outcomes = {} if answer.offline else {f"{kind}_records": answer.count(kind) for kind in Outcome}
    return {
        "status": answer.status.value,
        "offline": answer.offline,
        "refusal": answer.refusal and {"code": answer.refusal.code, "reason": answer.refusal.reason},
        "total_records": len(answer.rows),
        "valid_records": len(answer.outcomes),
        "error_records": len(answer.errors),
        **outcomes,
        "detected": answer.detected and answer.detected.as_json(),
        "warnings": [asdict(warning) for warning in answer.warnings],
        "errors": [
            _line(number, _spreadsheet_row(answer, number), error)
            for number, errors in answer.errors.items()
            for error in errors
        ],
    }


def _spreadsheet_row(answer: DryRun, row_number: int) -> int | None:
    return answer.detected.line_of(row_number) if answer.detected else None


def _line(row_number: int, spreadsheet_row: int | None, error: RowError) -> dict[str, object]:
    return {
        "row_number": row_number,
        "spreadsheet_row": spreadsheet_row,
        "error_type": error.error_type,
        "field": error.field,
        "message": error.message,
        "value": error.value,
        "expected": error.expected,
        "hint": error.hint,
    }


def _show(answer: DryRun) -> None:
    if answer.offline:
        say("Nothing was asked of the catalog: duplicates there and changed categories stay unseen.", stderr=True)
    if answer.refusal:
        say(f"Would be refused: {answer.refusal.reason} ({answer.refusal.code})")
        return
    if answer.detected:
        say(f"Read as {answer.detected.sentence()}.")
    for warning in answer.warnings:
        say(f"Warning: {warning.message}.")
    done = ", ".join(f"{answer.count(kind):,} {kind}" for kind in Outcome if answer.count(kind))
    details = f" ({done})" if done and not answer.offline else ""
    say(f"{len(answer.outcomes):,} of {len(answer.rows):,} rows are valid{details}, {len(answer.errors):,} are not.")
    lines = [(number, error) for number, errors in answer.errors.items() for error in errors]
    if not lines:
        return
    console().print()
    columns = (
        Column("Row", "right"),
        Column("Spreadsheet row", "right"),
        Column("Error"),
        Column("Message", folds=True),
        Column("Hint", folds=True),
    )
    rows = [
        (number, _spreadsheet_row(answer, number), error.error_type, error.message, error.hint)
        for number, error in lines[:LINES_SHOWN]
    ]
    console().print(table(columns, rows))
    if len(lines) > LINES_SHOWN:
        say(f"and {len(lines) - LINES_SHOWN:,} more errors. The most frequent:")
        for sentence in summarised(lines).sentences:
            say(f"- {sentence}")


def _database(stack: ExitStack, state: Path | None) -> Database | None:
    """The catalog's database if there is a pipeline; a state directory that was named must have one."""
    try:
        return stack.enter_context(connected(state)).database
    except CommandError:
        if state is not None:
            raise
        return None
