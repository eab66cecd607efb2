"""`onboarding demo`: the main use case on a temporary local stack, with a check of every figure."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from onboarding.cli.inbox import mail_table, print_mail
from onboarding.cli.local_stack import run_local_stack
from onboarding.cli.output import Column, console, say, table
from onboarding.cli.sample_data import Sample, write_samples
from onboarding.cli.target import environment_of, run_locally
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
"""Seconds to wait for an e-mail too many."""
REPORT_LINES = 6


class _Finished(Exception):
    """The demo has ended; stops the local stack."""


def demo() -> None:
    """Run the demo: three vendors' files, their catalog, reports and e-mails. Leaves nothing behind."""
    errors: list[str] = []

    def run_demo(endpoints: Endpoints) -> None:
        say(f"Ready after {time.monotonic() - started:.1f} s.")
        errors.extend(_run(endpoints, Path(directory)))
        say()
        say("Stopping ...")
        raise _Finished

    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="onboarding-demo-") as directory:
        say("Starting PostgreSQL, the AWS emulator and an inbox on this machine ...")
        try:
            code = run_local_stack(Path(directory) / "state", None, run_demo)
        except _Finished:
            code = OUR_FAULT if errors else 0
        else:
            # It failed with a printed reason, or was interrupted.
            errors.append("The demo was stopped before its end.")
    for error in errors:
        say(error, style="red", stderr=True)
    if errors:
        raise typer.Exit(code or OUR_FAULT)
    say(f"Every figure is correct. The demo took {time.monotonic() - started:.1f} s, including start and stop.")


def _run(endpoints: Endpoints, directory: Path) -> list[str]:
    """Upload the samples and print all results. Return one sentence for each wrong figure."""
    samples = write_samples(directory / "samples", ROWS, ERROR_RATE)
    say()
    _heading(f"Three vendors upload {ROWS} products each at the same time, {samples[0].bad_rows} of them with errors")
    with environment_of(endpoints):
        ctx = AppContext(Settings.from_environment())
        try:
            outcomes = _upload(ctx, samples)
            mails = _wait_for_mails(Path(endpoints.inbox_dir), len(samples))
            seconds = max(outcome.seconds for outcome in outcomes)
            say(f"From upload to the last result: {seconds:.1f} s.")
            say()
            _heading("Uploads")
            uploads = [outcome.upload for outcome in outcomes if outcome.upload is not None]
            console().print(upload_table(uploads))
            _print_mails(mails)
            errors = [*_check_counts(samples, outcomes), *_check_mails(outcomes, mails)]
            errors += _print_report(ctx, outcomes[0])
            errors += _print_catalog(ctx, samples)
        finally:
            ctx.database.close()
    return errors


def _upload(ctx: AppContext, samples: Sequence[Sample]) -> list[Outcome]:
    # Threads may share a client, but must not create it at the same time.
    _ = ctx.s3
    with ThreadPoolExecutor(len(samples)) as pool:
        submissions = list(pool.map(lambda sample: submit(ctx, sample.path, sample.vendor_id), samples))
    with progress_bars(console(), submissions) as progress:
        return follow(run_locally(ctx), submissions, TIMEOUT, progress)


def _wait_for_mails(inbox: Path, count: int) -> list[Mail]:
    """Wait for a number of e-mails and a moment more, and return all."""
    deadline = time.monotonic() + MAIL_SECONDS
    while len(read_mails(inbox)) < count and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(MAIL_GRACE)
    return read_mails(inbox)


def _print_mails(mails: Sequence[Mail]) -> None:
    say()
    _heading(f"E-mails ({len(mails)})")
    if mails:
        console().print(mail_table(mails))
        say()
        say("The first one:")
        say()
        print_mail(mails[0], indent="    ")


def _print_report(ctx: AppContext, outcome: Outcome) -> list[str]:
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
        return [f"{upload.error_file_s3_key} has fewer lines than the {upload.error_records} rows with errors."]
    return []


def _print_catalog(ctx: AppContext, samples: Sequence[Sample]) -> list[str]:
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


def _check_counts(samples: Sequence[Sample], outcomes: Sequence[Outcome]) -> list[str]:
    errors = []
    for sample, outcome in zip(samples, outcomes, strict=True):
        upload = outcome.upload
        if upload is None:
            errors.append(f"{sample.path.name} was quarantined: {outcome.quarantined}")
            continue
        expected = (sample.rows, sample.rows - sample.bad_rows, sample.bad_rows)
        counts = (upload.total_records, upload.valid_records, upload.error_records)
        if counts != expected:
            errors.append(f"{sample.path.name} has (rows, valid, errors) = {counts} instead of {expected}.")
    return errors


def _check_mails(outcomes: Sequence[Outcome], mails: Sequence[Mail]) -> list[str]:
    expected = sorted((outcome.upload.vendor_email,) for outcome in outcomes if outcome.upload is not None)
    recipients = sorted(mail.recipients for mail in mails)
    return [] if recipients == expected else [f"E-mails went to {recipients} instead of {expected}."]


def _heading(text: str) -> None:
    say(text, style="bold")
