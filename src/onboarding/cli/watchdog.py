"""`onboarding watchdog`: resumption of stalled uploads."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated

import typer

from onboarding.cli.errors import CommandError, explain
from onboarding.cli.options import State
from onboarding.cli.output import print_line
from onboarding.cli.target import connect, is_on_aws
from onboarding.cli.upload_client import EXIT_FAILED
from onboarding.cloudformation.stack_runner import DeployError
from onboarding.deploy.lambda_calls import call_function
from onboarding.domain.json_objects import from_json
from onboarding.domain.resource_names import Function
from onboarding.pipeline.recovery import PATIENCE, RecoveryAction, ingest_missed_objects, resume_stalled_uploads
from onboarding.runtime import AppContext

app = typer.Typer(no_args_is_help=True, help="Resumes stalled uploads.")


@app.command("run")
def run(
    state: State = None,
    patience: Annotated[
        float, typer.Option(min=0, help="Seconds without progress after which an upload has stalled.")
    ] = PATIENCE.total_seconds(),
    search: Annotated[bool, typer.Option("--sweep", help="Also look for files without an upload.")] = False,
) -> None:
    """Resume every stalled upload now. The exit code is 1 if any cannot be resumed."""
    resumed = failed = 0
    with connect(state) as ctx:
        resume = _resume_by_function if is_on_aws(state) else _resume
        for result in resume(ctx, patience, search):
            if isinstance(result, RecoveryAction):
                resumed += 1
                print_line(f"{result.outcome}: {result.upload_id or result.s3_key}")
            else:
                failed += 1
                subject = ", ".join(getattr(result, "__notes__", ()))
                reason = explain(result) or f"{type(result).__name__}: {result}"
                print_line(f"failed: {subject} ({reason}); the next run tries again", style="red", stderr=True)
    print_line(f"{resumed} resumed{f', {failed} failed' if failed else ''}.")
    raise typer.Exit(EXIT_FAILED if failed else 0)


def _resume(ctx: AppContext, patience: float, search: bool) -> Iterator[RecoveryAction | Exception]:
    """Resume stalled uploads in this process; yield each action, and the exception of each failure."""
    minimum_age = timedelta(seconds=patience)
    steps = [resume_stalled_uploads(ctx, patience=minimum_age, limit=None)]
    if search:
        steps.append(ingest_missed_objects(ctx, patience=minimum_age, seconds=None))
    for step in steps:
        try:
            yield from step
        except ExceptionGroup as group:
            yield from group.exceptions


def _resume_by_function(ctx: AppContext, patience: float, search: bool) -> list[RecoveryAction | Exception]:
    """Resume stalled uploads in the function `watchdog` and return its actions. Raises CommandError if it fails."""
    events = [{"patience": patience}, *([{"patience": patience, "sweep": True}] if search else [])]
    function = ctx.settings.resource_name(Function.WATCHDOG)
    try:
        return [
            from_json(RecoveryAction, action)
            for event in events
            for action in call_function(ctx.lambdas, function, event)["recovered"]
        ]
    except DeployError as error:
        raise CommandError(str(error)) from error


@app.callback()
def _watchdog() -> None:
    """Keep `run` a subcommand; without a callback typer would merge the only command into `watchdog`."""
