"""`onboarding failures`: list and redrive of failed events."""

from __future__ import annotations

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
from onboarding.cli.errors import CommandError
from onboarding.cli.options import State
from onboarding.cli.output import Column, print_line, print_table
from onboarding.cli.target import connect
from onboarding.cli.upload_client import EXIT_FAILED

app = typer.Typer(no_args_is_help=True, help="Failed events after their last retry, kept for 14 days.")


@app.command("list")
def list_failures(state: State = None) -> None:
    """List the events in each failure queue."""
    with connect(state) as ctx:
        rows: list[tuple[object, ...]] = []
        for queue, count in count_failures(ctx).items():
            sample = peek_failures(ctx, queue) if count else []
            rows += [(queue, count, failure.subject, failure.error) for failure in sample] or [(queue, count, "", "")]
    columns = [Column("Queue"), Column("Waiting", "right"), Column("Subject", wraps=True), Column("Error", wraps=True)]
    print_table(columns, rows)


@app.command("redrive")
def redrive_failures(
    queue: Annotated[str | None, typer.Argument(metavar="QUEUE", help="One failure queue; by default all.")] = None,
    state: State = None,
) -> None:
    """Redrive the events in the failure queues.

    The exit code is 0 if the queues are empty afterwards. It is 1 if an event fails again, which keeps it in its queue,
    or if another redrive is processing events.
    """
    if queue is not None and queue not in RETRIED_BY:
        raise CommandError(f"There is no failure queue {queue}. The failure queues are: {', '.join(RETRIED_BY)}")
    names = [queue] if queue else list(RETRIED_BY)
    redriven_count = failed_count = sent_back_count = 0
    with connect(state) as ctx:
        for name in names:
            for result in redrive(ctx, name):
                redriven_count += 1
                failed_count += result.error is not None
                # A message of the error queue is only sent back there; its result is known later.
                is_sent_back = RETRIED_BY[name] is None and result.error is None
                sent_back_count += is_sent_back
                print_line(f"{name}: {result.subject}: {result.error or ('sent back' if is_sent_back else 'done')}")
        remaining_count = sum(count_failures_in(ctx, name) for name in names)
    print_line(_summarize(redriven_count, failed_count, sent_back_count, remaining_count))
    raise typer.Exit(EXIT_FAILED if failed_count or remaining_count else 0)


def _summarize(redriven_count: int, failed_count: int, sent_back_count: int, remaining_count: int) -> str:
    """Return a sentence for each number of events that is not 0."""
    sentences = [f"{redriven_count:,} redriven." if redriven_count else "There was nothing to redrive."]
    if sent_back_count:
        sentences.append(
            f"{sent_back_count:,} sent back to {ERROR_QUEUE}; those that fail again return within an hour."
        )
    if failed_count:
        pronoun = "it" if failed_count == 1 else "them"
        minutes = RETRY_SECONDS // 60 + 1
        sentences.append(f"{failed_count:,} failed again; you can redrive {pronoun} again in {minutes} minutes.")
    if remaining_count > failed_count:
        other_count = remaining_count - failed_count
        sentences.append(
            f"About {other_count:,} more {'is' if other_count == 1 else 'are'} being redriven by another command or "
            "arrived meanwhile: try again later."
        )
    if not remaining_count and not failed_count:
        sentences.append("The failure queues are empty.")
    return " ".join(sentences)
