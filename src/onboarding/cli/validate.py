"""`onboarding validate`: dry run of an upload, with the same code and without writing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from onboarding.cli.dry_run_output import print_dry_run
from onboarding.cli.errors import CommandError
from onboarding.cli.mapping_options import MapOption, MappingOption, MapValueOption, parse_options, resolve_document
from onboarding.cli.options import ForceOption, Json, ModeOption, OnErrorOption, State
from onboarding.cli.output import print_json
from onboarding.cli.target import RunAction, connect_admin, is_on_aws
from onboarding.cli.upload_client import EXIT_ALL_VALID, EXIT_FILE_REJECTED, EXIT_ROWS_REJECTED, require_valid_name
from onboarding.domain.mapping_json import document_as_json
from onboarding.domain.mappings import MappingDocument
from onboarding.domain.models import Mode, OnError
from onboarding.domain.upload_options import Options
from onboarding.files.parser import check_size
from onboarding.lambda_handlers.admin_queries import decode_content, dry_run_as_json, encode_content
from onboarding.pipeline.dry_run import dry_run

MAX_PACKED_BYTES = 5_800_000
"""Size of a packed file that fits into a Lambda call of 6 MB."""


def validate(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Product file.")],
    vendor: Annotated[str, typer.Option(help="Vendor ID, such as VEND001.")],
    *,
    mode: ModeOption = Mode.CREATE,
    on_error: OnErrorOption = OnError.REJECT_ROWS,
    force: ForceOption = False,
    columns: MapOption = None,
    values: MapValueOption = None,
    mapping: MappingOption = None,
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
    changes = parse_options(columns, values)
    options = Options(mode, on_error, force, mapping)
    with ExitStack() as stack:
        run_action = None if offline else _connect(stack, state)
        document = None
        if changes is not None:
            document, _ = resolve_document(run_action, changes, mapping, file=file, content=content, vendor_id=vendor)
            options = replace(options, mapping=None)
        if run_action is None:
            result = dry_run_as_json(dry_run(None, content, vendor, options, document=document))
        else:
            result = _validate_online(run_action, content, vendor, options, document, is_limited=is_on_aws(state))
    if as_json:
        print_json(result)
    else:
        print_dry_run(result)
    raise typer.Exit(_get_exit_code(result))


def _validate_online(
    run_action: RunAction,
    content: bytes,
    vendor: str,
    options: Options,
    document: MappingDocument | None,
    *,
    is_limited: bool,
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
    arguments = {} if document is None else {"document": document_as_json(document)}
    response = run_action("validate_file", content=payload, vendor_id=vendor, options=asdict(options), **arguments)
    return dict(json.loads(decode_content(response["result"])))


def _get_exit_code(result: Mapping[str, Any]) -> int:
    if result["rejection"]:
        return EXIT_FILE_REJECTED
    return EXIT_ROWS_REJECTED if result["errors"] else EXIT_ALL_VALID


def _connect(stack: ExitStack, state: Path | None) -> RunAction | None:
    """Return the function that runs actions, or None without a pipeline. Raises CommandError for a named state."""
    try:
        return stack.enter_context(connect_admin(state))[1]
    except CommandError:
        if state is not None:
            raise
        return None
