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
from onboarding.cli.output import Column, format_count, print_json, print_line, print_table
from onboarding.cli.target import RunAction, connect_admin, is_on_aws
from onboarding.cli.upload_client import EXIT_ALL_VALID, EXIT_FILE_REJECTED, EXIT_ROWS_REJECTED, require_valid_name
from onboarding.domain.error_summary import summarize_errors
from onboarding.domain.json_objects import from_json
from onboarding.domain.models import Mode, OnError, Outcome, RowError
from onboarding.domain.upload_options import Options
from onboarding.files.parser import check_size
from onboarding.lambda_handlers.admin_queries import decode_content, dry_run_as_json, encode_content
from onboarding.pipeline.dry_run import dry_run

MAX_PACKED_BYTES = 5_800_000
"""Size of a packed file that fits into a Lambda call of 6 MB."""

MAX_TABLE_ROWS = 50
"""Errors in the table; `--json` has all."""


def validate(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Product file.")],
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
    require_valid_name(file)
    content = file.read_bytes()
    options = Options(mode, on_error, force)
    with ExitStack() as stack:
        run_action = None if offline else _connect(stack, state)
        if run_action is None:
            result = dry_run_as_json(dry_run(None, content, vendor, options))
        else:
            result = _validate_online(run_action, content, vendor, options, is_limited=is_on_aws(state))
    if as_json:
        print_json(result)
    else:
        _print_result(result)
    raise typer.Exit(_get_exit_code(result))


def _validate_online(
    run_action: RunAction, content: bytes, vendor: str, options: Options, *, is_limited: bool
) -> dict[str, Any]:
    """Return the result of a dry run with the catalog. Raises CommandError for a file too large for a call on AWS."""
    if check_size(len(content)):
        # Rejected for its size: the catalog is not needed.
        return dry_run_as_json(replace(dry_run(None, content, vendor, options), offline=False))
    payload = encode_content(content)
    if is_limited and len(payload) > MAX_PACKED_BYTES:
        raise CommandError(
            f"The compressed file has {len(payload) / 1e6:.1f} MB; "
            f"a call on AWS carries {MAX_PACKED_BYTES / 1e6:.1f} MB. Use --offline, or upload the file"
        )
    fields = {"mode": options.mode, "on_error": options.on_error, "force": options.force}
    response = run_action("validate_file", content=payload, vendor_id=vendor, options=fields)
    return dict(json.loads(decode_content(response["result"])))


def _get_exit_code(result: Mapping[str, Any]) -> int:
    if result["rejection"]:
        return EXIT_FILE_REJECTED
    return EXIT_ROWS_REJECTED if result["errors"] else EXIT_ALL_VALID


def _print_result(result: Mapping[str, Any]) -> None:
    if result["offline"]:
        print_line("Without the catalog: duplicates in it and changed categories are not detected.", stderr=True)
    if rejection := result["rejection"]:
        print_line(f"Would be rejected: {rejection['reason']} ({rejection['code']})")
        return
    if result["file_description"]:
        print_line(f"Format: {result['file_description']}.")
    for warning in result["warnings"]:
        print_line(f"Warning: {warning['message']}.")
    counts = {outcome: result.get(f"{outcome}_records", 0) for outcome in Outcome}
    outcomes = ", ".join(f"{count:,} {outcome}" for outcome, count in counts.items() if count)
    valid, total, failed = (result[f"{kind}_records"] for kind in ("valid", "total", "error"))
    print_line(
        f"{valid:,} of {format_count(total, 'row')} {'is' if valid == 1 else 'are'} valid"
        f"{f' ({outcomes})' if outcomes else ''}, {failed:,} {'is' if failed == 1 else 'are'} invalid."
    )
    errors = result["errors"]
    if not errors:
        return
    print_line()
    columns = (Column("Row", "right"), Column("Error"), Column("Message", wraps=True), Column("Hint", wraps=True))
    rows = [(e["spreadsheet_row"], e["error_type"], e["message"], e["hint"]) for e in errors[:MAX_TABLE_ROWS]]
    print_table(columns, rows)
    if len(errors) > MAX_TABLE_ROWS:
        print_line(f"and {format_count(len(errors) - MAX_TABLE_ROWS, 'more error')}. The most frequent:")
        lines = [(e["spreadsheet_row"], from_json(RowError, e)) for e in errors]
        for sentence in summarize_errors(lines).sentences:
            print_line(f"- {sentence}")


def _connect(stack: ExitStack, state: Path | None) -> RunAction | None:
    """Return the function that runs actions, or None without a pipeline. Raises CommandError for a named state."""
    try:
        return stack.enter_context(connect_admin(state))[1]
    except CommandError:
        if state is not None:
            raise
        return None
