"""`onboarding failures` and `onboarding watchdog`: failed events and stalled uploads."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated

import typer

from onboarding.aws.dead_letter_queues import (
    ERROR_QUEUE,
    RETRIED_BY,
    RETRY_SECONDS,
    count_failures,
    count_failures_in,
    peek_failures,
    redrive,
)
from onboarding.cli.errors import CommandError, explain
from onboarding.cli.options import State
from onboarding.cli.output import Column, console, say, table
from onboarding.cli.target import connected, on_aws
from onboarding.cli.upload_client import OUR_FAULT
from onboarding.cloudformation.stacks import DeployError
from onboarding.deploy.calls import call_function
from onboarding.domain.json_objects import from_json
from onboarding.domain.resource_names import Function
from onboarding.pipeline.recovery import PATIENCE, RecoveryAction, ingest_missed_objects, resume_stalled_uploads
from onboarding.runtime import AppContext

failures = typer.Typer(no_args_is_help=True, help="Failed events after their last retry, kept until they are redriven.")
watchdog = typer.Typer(no_args_is_help=True, help="Resumes stalled uploads.")


@failures.command("list")
def list_failures(state: State = None) -> None:
    """List the events in each failure queue."""
    with connected(state) as ctx:
        rows: list[tuple[object, ...]] = []
        for queue, count in count_failures(ctx).items():
            sample = peek_failures(ctx, queue) if count else []
            rows += [(queue, count, failure.about, failure.error) for failure in sample] or [(queue, count, "", "")]
    columns = [Column("Queue"), Column("Waiting", "right"), Column("About", folds=True), Column("Error", folds=True)]
    console().print(table(columns, rows))


@failures.command("redrive")
def redrive_failures(
    queue: Annotated[str | None, typer.Argument(help="One failure queue; by default all.")] = None,
    state: State = None,
) -> None:
    """Redrive the events in the failure queues.

    The exit code is 0 if the queues are empty afterwards. It is 1 if an event fails again, which keeps it in its queue,
    or if another redrive is processing events.
    """
    if queue is not None and queue not in RETRIED_BY:
        raise CommandError(f"There is no failure queue {queue}. The failure queues are: {', '.join(RETRIED_BY)}")
    names = [queue] if queue else list(RETRIED_BY)
    redriven_count = failed = sent_back = 0
    with connected(state) as ctx:
        for name in names:
            for redriven in redrive(ctx, name):
                redriven_count += 1
                failed += redriven.error is not None
                # A message of the error queue is only sent back there; its result is known later.
                is_sent_back = RETRIED_BY[name] is None and redriven.error is None
                sent_back += is_sent_back
                say(f"{name}: {redriven.about}: {redriven.error or ('sent back' if is_sent_back else 'done')}")
        left = sum(count_failures_in(ctx, name) for name in names)
    say(_summary(redriven_count, failed, sent_back, left))
    raise typer.Exit(OUR_FAULT if failed or left else 0)


def _summary(redriven_count: int, failed: int, sent_back: int, left: int) -> str:
    sentences = [f"{redriven_count:,} redriven." if redriven_count else "There was nothing to redrive."]
    if sent_back:
        sentences.append(f"{sent_back:,} sent back to {ERROR_QUEUE}; those that fail again return within an hour.")
    if failed:
        minutes = RETRY_SECONDS // 60 + 1
        sentences.append(f"{failed:,} failed again and stay; you can redrive them again in {minutes} minutes.")
    if left > failed:
        others = left - failed
        sentences.append(
            f"About {others:,} more are being redriven by another command or arrived meanwhile: try again later."
        )
    if not left and not failed:
        sentences.append("The failure queues are empty.")
    return " ".join(sentences)


@watchdog.command("run")
def run(
    state: State = None,
    patience: Annotated[
        float, typer.Option(min=0, help="Seconds without progress after which an upload has stalled.")
    ] = PATIENCE.total_seconds(),
    search: Annotated[bool, typer.Option("--sweep", help="Also look for files without an upload.")] = False,
) -> None:
    """Resume every stalled upload now. The exit code is 1 if any cannot be resumed."""
    count = failed = 0
    with connected(state) as ctx:
        resume = _resume_by_function if on_aws(state) else _resume
        for result in resume(ctx, patience, search):
            if isinstance(result, RecoveryAction):
                count += 1
                say(f"{result.outcome}: {result.upload_id or result.s3_key}")
            else:
                failed += 1
                subject = ", ".join(getattr(result, "__notes__", ()))
                reason = explain(result) or f"{type(result).__name__}: {result}"
                say(f"failed: {subject} ({reason}); the next run tries again", style="red", stderr=True)
    say(f"{count} resumed{f', {failed} failed' if failed else ''}.")
    raise typer.Exit(OUR_FAULT if failed else 0)


def _resume(ctx: AppContext, patience: float, search: bool) -> Iterator[RecoveryAction | Exception]:
    """Resume stalled uploads in this process, and yield each result or failure."""
    still = timedelta(seconds=patience)
    runs = [resume_stalled_uploads(ctx, patience=still, limit=None)]
    if search:
        runs.append(ingest_missed_objects(ctx, patience=still, seconds=None))
    for run in runs:
        try:
            yield from run
        except ExceptionGroup as faults:
            yield from faults.exceptions


def _resume_by_function(ctx: AppContext, patience: float, search: bool) -> list[RecoveryAction | Exception]:
    """Resume stalled uploads by the function `watchdog`, and return the results."""
    events = [{"patience": patience}, *([{"patience": patience, "sweep": True}] if search else [])]
    function = ctx.settings.resource_name(Function.WATCHDOG)
    try:
        return [
            from_json(RecoveryAction, upload)
            for event in events
            for upload in call_function(ctx.lambdas, function, event)["recovered"]
        ]
    except DeployError as error:
        raise CommandError(str(error)) from error


@watchdog.callback()
def _watchdog() -> None:
    """Keep `run` a subcommand; without a callback typer would merge the only command into `watchdog`."""
