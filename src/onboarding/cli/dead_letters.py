"""`onboarding failures` and `onboarding watchdog`: what got stuck, and getting it on."""

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
from onboarding.deploy.calls import call
from onboarding.deploy.plan import DeployError
from onboarding.domain.json_objects import from_json
from onboarding.pipeline.recovery import PATIENCE, RecoveryAction, ingest_missed_objects, resume_stalled_uploads
from onboarding.runtime import AppContext

failures = typer.Typer(no_args_is_help=True, help="Events that every retry failed on, kept until they are tried again.")
watchdog = typer.Typer(no_args_is_help=True, help="Drives on uploads that have stopped moving.")


@failures.command("list")
def list_failures(state: State = None) -> None:
    """Show what waits in each failure queue."""
    with connected(state) as ctx:
        rows: list[tuple[object, ...]] = []
        for queue, count in count_failures(ctx).items():
            found = peek_failures(ctx, queue) if count else []
            rows += [(queue, count, failure.about, failure.error) for failure in found] or [(queue, count, "", "")]
    columns = [Column("Queue"), Column("Waiting", "right"), Column("About", folds=True), Column("Error", folds=True)]
    console().print(table(columns, rows))


@failures.command("redrive")
def redrive_failures(
    queue: Annotated[str | None, typer.Argument(help="One failure queue; all of them if left out.")] = None,
    state: State = None,
) -> None:
    """Try what waits in the failure queues again.

    Ends with 0 if nothing is left in them. What fails again stays there; then, and if another redrive is trying some
    of the events, the command ends with 1.
    """
    if queue is not None and queue not in RETRIED_BY:
        raise CommandError(f"There is no failure queue {queue}; there are: {', '.join(RETRIED_BY)}")
    names = [queue] if queue else list(RETRIED_BY)
    tried = failed = sent_back = 0
    with connected(state) as ctx:
        for name in names:
            for redriven in redrive(ctx, name):
                tried += 1
                failed += redriven.error is not None
                # A message of the error queue is only sent back there; whether it goes well shows later.
                is_sent_back = RETRIED_BY[name] is None and redriven.error is None
                sent_back += is_sent_back
                say(f"{name}: {redriven.about}: {redriven.error or ('sent back' if is_sent_back else 'done')}")
        left = sum(count_failures_in(ctx, name) for name in names)
    say(_result(tried, failed, sent_back, left))
    raise typer.Exit(OUR_FAULT if failed or left else 0)


def _result(tried: int, failed: int, sent_back: int, left: int) -> str:
    sentences = [f"{tried:,} tried again." if tried else "There was nothing to try."]
    if sent_back:
        sentences.append(f"{sent_back:,} sent back to {ERROR_QUEUE}; what fails there again returns within the hour.")
    if failed:
        minutes = RETRY_SECONDS // 60 + 1
        sentences.append(f"{failed:,} failed again and stay; they can be tried again in {minutes} minutes.")
    if left > failed:
        others = left - failed
        sentences.append(
            f"About {others:,} more are being tried by another redrive, or came meanwhile: try again later."
        )
    if not left and not failed:
        sentences.append("Nothing is left in the failure queues.")
    return " ".join(sentences)


@watchdog.command("run")
def run(
    state: State = None,
    patience: Annotated[
        float, typer.Option(min=0, help="Seconds for which nothing moved in an upload.")
    ] = PATIENCE.total_seconds(),
    search: Annotated[bool, typer.Option("--sweep", help="Also look for files that no upload knows.")] = False,
) -> None:
    """Drive on every upload that has stopped moving, now. Ends with 1 if any could not be resumed."""
    count = failed = 0
    with connected(state) as ctx:
        run = _by_the_function if on_aws(state) else _here
        for found in run(ctx, patience, search):
            if isinstance(found, RecoveryAction):
                count += 1
                say(f"{found.outcome}: {found.upload_id or found.s3_key}")
            else:
                failed += 1
                about = ", ".join(getattr(found, "__notes__", ()))
                why = explain(found) or f"{type(found).__name__}: {found}"
                say(f"failed: {about} ({why}); the next run tries again", style="red", stderr=True)
    say(f"{count} driven on{f', {failed} failed' if failed else ''}.")
    raise typer.Exit(OUR_FAULT if failed else 0)


def _here(ctx: AppContext, patience: float, search: bool) -> Iterator[RecoveryAction | Exception]:
    still = timedelta(seconds=patience)
    runs = [resume_stalled_uploads(ctx, patience=still, limit=None)]
    if search:
        runs.append(ingest_missed_objects(ctx, patience=still, seconds=None))
    for run in runs:
        try:
            yield from run
        except ExceptionGroup as faults:
            yield from faults.exceptions


def _by_the_function(ctx: AppContext, patience: float, search: bool) -> list[RecoveryAction | Exception]:
    events = [{"patience": patience}, *([{"patience": patience, "sweep": True}] if search else [])]
    function = ctx.settings.resource_name("watchdog")
    try:
        return [
            from_json(RecoveryAction, upload)
            for event in events
            for upload in call(ctx.lambdas, function, event)["recovered"]
        ]
    except DeployError as error:
        raise CommandError(str(error)) from error


@watchdog.callback()
def _watchdog() -> None:
    """Makes `run` a command of its own."""
