"""`onboarding validate`: what would become of a file, with the very code that an upload runs, and nothing written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from onboarding.cli.errors import CommandError
from onboarding.cli.options import ForceOption, Json, ModeOption, OnErrorOption, State
from onboarding.cli.output import Column, console, say, say_json, table
from onboarding.cli.target import Ask, asking, on_aws
from onboarding.cli.upload_client import ALL_VALID, REFUSED, SOME_FAILED, check_name
from onboarding.domain.json_objects import from_json
from onboarding.domain.models import Mode, OnError, Outcome, RowError
from onboarding.domain.upload_options import Options
from onboarding.files.parser import too_large
from onboarding.lambda_handlers.admin_queries import dry_run_as_json, packed, unpacked
from onboarding.pipeline.dry_run import dry_run
from onboarding.storage.error_summary import summarize_errors

MOST_SENT = 5_800_000
"""Bytes of a packed file that fit into a call of a function, which takes 6 MB."""

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
    options = Options(mode, on_error, force)
    with ExitStack() as stack:
        ask = None if offline else _ask(stack, state)
        if ask is None:
            answer = dry_run_as_json(dry_run(None, content, vendor, options))
        else:
            answer = _asked(ask, content, vendor, options, is_limited=on_aws(state))
    if as_json:
        say_json(answer)
    else:
        _show(answer)
    raise typer.Exit(exit_code(answer))


def _asked(ask: Ask, content: bytes, vendor: str, options: Options, *, is_limited: bool) -> dict[str, Any]:
    """The answer of a pipeline's dry run."""
    if too_large(len(content)):
        # It is refused for its size alone: the catalog is not needed.
        return dry_run_as_json(replace(dry_run(None, content, vendor, options), offline=False))
    text = packed(content)
    if is_limited and len(text) > MOST_SENT:
        raise CommandError(
            f"The file has {len(text) / 1e6:.1f} MB as it is sent to AWS, where a function takes {MOST_SENT / 1e6:.1f} "
            "MB. Try it with --offline, or upload it"
        )
    asked = {"mode": options.mode, "on_error": options.on_error, "force": options.force}
    found = ask("dry_run_file", content=text, vendor_id=vendor, options=asked)
    return dict(json.loads(unpacked(found["answer"])))


def exit_code(answer: Mapping[str, Any]) -> int:
    if answer["refusal"]:
        return REFUSED
    return SOME_FAILED if answer["errors"] else ALL_VALID


def _show(answer: Mapping[str, Any]) -> None:
    if answer["offline"]:
        say("Nothing was asked of the catalog: duplicates there and changed categories stay unseen.", stderr=True)
    if refusal := answer["refusal"]:
        say(f"Would be refused: {refusal['reason']} ({refusal['code']})")
        return
    if answer["file_description"]:
        say(f"Format: {answer['file_description']}.")
    for warning in answer["warnings"]:
        say(f"Warning: {warning['message']}.")
    counts = {kind: answer.get(f"{kind}_records", 0) for kind in Outcome}
    done = ", ".join(f"{count:,} {kind}" for kind, count in counts.items() if count)
    valid, total, failed = (answer[f"{kind}_records"] for kind in ("valid", "total", "error"))
    say(f"{valid:,} of {total:,} rows are valid{f' ({done})' if done else ''}, {failed:,} are not.")
    errors = answer["errors"]
    if not errors:
        return
    console().print()
    columns = (Column("Row", "right"), Column("Error"), Column("Message", folds=True), Column("Hint", folds=True))
    rows = [(e["spreadsheet_row"], e["error_type"], e["message"], e["hint"]) for e in errors[:LINES_SHOWN]]
    console().print(table(columns, rows))
    if len(errors) > LINES_SHOWN:
        say(f"and {len(errors) - LINES_SHOWN:,} more errors. The most frequent:")
        lines = [(e["spreadsheet_row"], from_json(RowError, e)) for e in errors]
        for sentence in summarize_errors(lines).sentences:
            say(f"- {sentence}")


def _ask(stack: ExitStack, state: Path | None) -> Ask | None:
    """What answers for the catalog if there is a pipeline; a state directory that was named must have one."""
    try:
        return stack.enter_context(asking(state))[1]
    except CommandError:
        if state is not None:
            raise
        return None
