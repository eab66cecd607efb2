"""`onboarding validate`: dry run of an upload, with the same code and without writing."""

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
from onboarding.cli.target import RunAction, connect_admin, on_aws
from onboarding.cli.upload_client import ALL_VALID, REJECTED, SOME_FAILED, check_name
from onboarding.domain.error_summary import summarize_errors
from onboarding.domain.json_objects import from_json
from onboarding.domain.models import Mode, OnError, Outcome, RowError
from onboarding.domain.upload_options import Options
from onboarding.files.parser import too_large
from onboarding.lambda_handlers.admin_queries import decode_content, dry_run_as_json, encode_content
from onboarding.pipeline.dry_run import dry_run

MAX_PACKED_BYTES = 5_800_000
"""Size of a packed file that fits into a Lambda call of 6 MB."""

LINES_SHOWN = 50
"""Errors in the table; `--json` has all."""


def validate(
    file: Annotated[Path, typer.Argument(help="Product file.")],
    vendor: Annotated[str, typer.Option(help="Vendor ID, such as VEND001.")],
    *,
    mode: ModeOption = Mode.CREATE,
    on_error: OnErrorOption = OnError.REJECT_ROWS,
    force: ForceOption = False,
    offline: Annotated[bool, typer.Option("--offline", help="Skip the checks against the catalog.")] = False,
    as_json: Json = False,
    state: State = None,
) -> None:
    """Preview the result of an upload.

    Without a local stack and AWS the checks against the catalog are skipped, and the categories are the default ones.
    The exit code is 0 if every row is valid, 2 if rows are invalid, 3 if the file would be rejected, and 1 for other
    errors.
    """
    check_name(file)
    content = file.read_bytes()
    options = Options(mode, on_error, force)
    with ExitStack() as stack:
        run_action = None if offline else _connect(stack, state)
        if run_action is None:
            answer = dry_run_as_json(dry_run(None, content, vendor, options))
        else:
            answer = _validate_online(run_action, content, vendor, options, is_limited=on_aws(state))
    if as_json:
        say_json(answer)
    else:
        _print_result(answer)
    raise typer.Exit(exit_code(answer))


def _validate_online(
    run_action: RunAction, content: bytes, vendor: str, options: Options, *, is_limited: bool
) -> dict[str, Any]:
    """Return the result of a dry run with the catalog."""
    if too_large(len(content)):
        # Rejected for its size: the catalog is not needed.
        return dry_run_as_json(replace(dry_run(None, content, vendor, options), offline=False))
    text = encode_content(content)
    if is_limited and len(text) > MAX_PACKED_BYTES:
        raise CommandError(
            f"The compressed file has {len(text) / 1e6:.1f} MB; a call on AWS carries {MAX_PACKED_BYTES / 1e6:.1f} MB. "
            "Use --offline, or upload the file"
        )
    arguments = {"mode": options.mode, "on_error": options.on_error, "force": options.force}
    answer = run_action("validate_file", content=text, vendor_id=vendor, options=arguments)
    return dict(json.loads(decode_content(answer["result"])))


def exit_code(answer: Mapping[str, Any]) -> int:
    if answer["rejection"]:
        return REJECTED
    return SOME_FAILED if answer["errors"] else ALL_VALID


def _print_result(answer: Mapping[str, Any]) -> None:
    if answer["offline"]:
        say("Without the catalog: duplicates in it and changed categories are not detected.", stderr=True)
    if rejection := answer["rejection"]:
        say(f"Would be rejected: {rejection['reason']} ({rejection['code']})")
        return
    if answer["file_description"]:
        say(f"Format: {answer['file_description']}.")
    for warning in answer["warnings"]:
        say(f"Warning: {warning['message']}.")
    counts = {kind: answer.get(f"{kind}_records", 0) for kind in Outcome}
    done = ", ".join(f"{count:,} {kind}" for kind, count in counts.items() if count)
    valid, total, failed = (answer[f"{kind}_records"] for kind in ("valid", "total", "error"))
    say(f"{valid:,} of {total:,} rows are valid{f' ({done})' if done else ''}, {failed:,} are invalid.")
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


def _connect(stack: ExitStack, state: Path | None) -> RunAction | None:
    """Connect to the pipeline if there is one; a state directory that is named must have one."""
    try:
        return stack.enter_context(connect_admin(state))[1]
    except CommandError:
        if state is not None:
            raise
        return None
