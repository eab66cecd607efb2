"""`onboarding demo`: the main job once, on a local stack of its own, and whether it went as it must."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from onboarding.cli.inbox import mail_table, say_mail
from onboarding.cli.local_stack import run_local_stack
from onboarding.cli.output import Column, console, say, table
from onboarding.cli.sample_data import Sample, write_samples
from onboarding.cli.target import asked_here, environment_of
from onboarding.cli.upload_client import OUR_FAULT, Outcome, follow, submit
from onboarding.cli.uploads import progress_bars, upload_table
from onboarding.config import Settings
from onboarding.files.error_report import HEADER
from onboarding.local.delivered_emails import Mail, read_mails
from onboarding.runtime import AppContext
from onboarding.storage.queries import query

if TYPE_CHECKING:
    from onboarding.local.endpoints import Endpoints

ROWS = 100
ERROR_RATE = 0.08
TIMEOUT = 120
MAIL_SECONDS = 30
MAIL_GRACE = 0.5
"""Seconds in which one mail too many would show."""
REPORT_LINES = 6


class _Finished(Exception):
    """Stops the local stack after the demo."""


def demo() -> None:
    """Show the main job: three vendors' files in, catalog, reports and mails out. Needs nothing and leaves nothing."""
    faults: list[str] = []

    def show(endpoints: Endpoints) -> None:
        say(f"Ready after {time.monotonic() - started:.1f} s.")
        faults.extend(_show(endpoints, Path(directory)))
        say()
        say("Stopping ...")
        raise _Finished

    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="onboarding-demo-") as directory:
        say("Starting PostgreSQL, the AWS APIs and a mail inbox on this machine ...")
        try:
            code = run_local_stack(Path(directory) / "state", None, show)
        except _Finished:
            code = OUR_FAULT if faults else 0
        else:
            # It ended by itself, with a reason printed, or somebody stopped it.
            faults.append("The demo was stopped before it was over.")
    for fault in faults:
        say(fault, style="red", stderr=True)
    if faults:
        raise typer.Exit(code or OUR_FAULT)
    say(f"Everything came out right. The demo took {time.monotonic() - started:.1f} s, start and stop included.")


def _show(endpoints: Endpoints, directory: Path) -> list[str]:
    """Run the job and show all of it; returns what is wrong, nothing if all is well."""
    samples = write_samples(directory / "samples", ROWS, ERROR_RATE)
    say()
    _heading(f"Three vendors upload {ROWS} products each, {samples[0].bad_rows} of them with errors, all at once")
    with environment_of(endpoints):
        ctx = AppContext(Settings.from_environment())
        try:
            outcomes = _run(ctx, samples)
            mails = _wait_for_mails(Path(endpoints.inbox_dir), len(samples))
            seconds = max(outcome.seconds for outcome in outcomes)
            say(f"From upload to the last result: {seconds:.1f} s.")
            say()
            _heading("Uploads")
            uploads = [outcome.upload for outcome in outcomes if outcome.upload is not None]
            console().print(upload_table(uploads))
            _show_mails(mails)
            faults = [*_count_faults(samples, outcomes), *_mail_faults(outcomes, mails)]
            faults += _show_report(ctx, outcomes[0])
            faults += _show_catalog(ctx, samples)
        finally:
            ctx.database.close()
    return faults


def _run(ctx: AppContext, samples: Sequence[Sample]) -> list[Outcome]:
    # A client may be shared by threads, but they must not make it at the same time.
    _ = ctx.s3
    with ThreadPoolExecutor(len(samples)) as pool:
        submissions = list(pool.map(lambda sample: submit(ctx, sample.path, sample.vendor_id), samples))
    with progress_bars(console(), submissions) as progress:
        return follow(asked_here(ctx), submissions, TIMEOUT, progress)


def _wait_for_mails(inbox: Path, wanted: int) -> list[Mail]:
    """The mails, as soon as there are enough and no more came for a moment."""
    deadline = time.monotonic() + MAIL_SECONDS
    while len(read_mails(inbox)) < wanted and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(MAIL_GRACE)
    return read_mails(inbox)


def _show_mails(mails: Sequence[Mail]) -> None:
    say()
    _heading(f"Mails ({len(mails)})")
    if mails:
        console().print(mail_table(mails))
        say()
        say("The first one:")
        say()
        say_mail(mails[0], indent="    ")


def _show_report(ctx: AppContext, outcome: Outcome) -> list[str]:
    upload = outcome.upload
    if upload is None or upload.error_file_s3_key is None:
        return [f"{outcome.submission.upload_id} has no report."]
    answer = ctx.s3.get_object(Bucket=ctx.settings.bucket, Key=upload.error_file_s3_key)
    with answer["Body"] as body:
        lines = body.read().decode("utf-8-sig").splitlines()
    say()
    _heading(f"Report {upload.error_file_s3_key}")
    for line in lines[:REPORT_LINES]:
        console().print(line, no_wrap=True, overflow="ellipsis")
    if len(lines) > REPORT_LINES:
        say(f"... and {len(lines) - REPORT_LINES} more")
    if lines[0] != ",".join(HEADER) or len(lines) <= upload.error_records:
        return [f"{upload.error_file_s3_key} does not tell of each of the {upload.error_records} rows with errors."]
    return []


def _show_catalog(ctx: AppContext, samples: Sequence[Sample]) -> list[str]:
    counts = ctx.database.run(lambda connection: connection.execute(query("count_products_by_vendor")).fetchall())
    products = ctx.database.run(
        lambda connection: connection.execute(query("list_sample_products"), {"each": 2}).fetchall()
    )
    say()
    _heading(f"Catalog ({sum(count for _, _, count in counts)} products)")
    console().print(table((Column("Vendor"), Column("Name"), Column("Products", "right")), counts))
    say()
    columns = (
        Column("Vendor"),
        Column("SKU"),
        Column("Product", folds=True),
        Column("Category", folds=True),
        Column("Price", "right"),
        Column("Stock", "right"),
    )
    console().print(table(columns, products))
    expected = {sample.vendor_id: sample.rows - sample.bad_rows for sample in samples}
    return [
        f"{vendor_id} has {count} products in the catalog instead of {expected.get(vendor_id, 0)}."
        for vendor_id, _, count in counts
        if count != expected.get(vendor_id, 0)
    ]


def _count_faults(samples: Sequence[Sample], outcomes: Sequence[Outcome]) -> list[str]:
    faults = []
    for sample, outcome in zip(samples, outcomes, strict=True):
        upload = outcome.upload
        if upload is None:
            faults.append(f"{sample.path.name} was set aside: {outcome.quarantined}")
            continue
        wanted = (sample.rows, sample.rows - sample.bad_rows, sample.bad_rows)
        found = (upload.total_records, upload.valid_records, upload.error_records)
        if found != wanted:
            faults.append(f"{sample.path.name} has (rows, valid, errors) = {found} instead of {wanted}.")
    return faults


def _mail_faults(outcomes: Sequence[Outcome], mails: Sequence[Mail]) -> list[str]:
    wanted = sorted((outcome.upload.vendor_email,) for outcome in outcomes if outcome.upload is not None)
    found = sorted(mail.recipients for mail in mails)
    return [] if found == wanted else [f"Mails went to {found} instead of {wanted}."]


def _heading(text: str) -> None:
    say(text, style="bold")
