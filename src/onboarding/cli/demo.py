"""`onboarding demo`: main use case on a temporary local stack, with checks of all figures."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from onboarding.cli.inbox import print_email, print_email_table
from onboarding.cli.local_stack import run_local_stack
from onboarding.cli.output import Column, make_console, print_line, print_table
from onboarding.cli.sample_data import SampleFile, write_samples
from onboarding.cli.target import environment_of, make_local_runner
from onboarding.cli.upload_client import EXIT_FAILED, UploadOutcome, submit_file, wait_for_outcomes
from onboarding.cli.uploads import print_upload_table, progress_bars
from onboarding.config import Settings
from onboarding.files.error_report import HEADER
from onboarding.local.delivered_emails import Email, read_emails
from onboarding.runtime import AppContext
from onboarding.storage.queries import query

if TYPE_CHECKING:
    from onboarding.local.endpoints import Endpoints

ROWS = 100
ERROR_RATE = 0.08
TIMEOUT = 120
EMAIL_TIMEOUT = 30
EXTRA_EMAIL_SECONDS = 0.5
"""Seconds to wait for e-mails beyond the expected number, which would be duplicates."""
MAX_REPORT_LINES = 6


class _DemoFinished(Exception):
    """Stops the local stack at the end of the demo."""


def demo() -> None:
    """Run the demo: three vendors' files, their catalog, reports and e-mails. Leaves nothing behind."""
    errors: list[str] = []

    def run_demo(endpoints: Endpoints) -> None:
        print_line(f"Ready after {time.monotonic() - started:.1f} s.")
        errors.extend(_run(endpoints, Path(directory)))
        print_line()
        print_line("Stopping ...")
        raise _DemoFinished

    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="onboarding-demo-") as directory:
        print_line("Starting PostgreSQL, the AWS emulator and an inbox on this machine ...")
        try:
            code = run_local_stack(Path(directory) / "state", None, run_demo)
        except _DemoFinished:
            code = EXIT_FAILED if errors else 0
        else:
            # The local stack failed and printed the reason, or a signal interrupted it.
            errors.append("The demo was stopped before its end.")
    for error in errors:
        print_line(error, style="red", stderr=True)
    if errors:
        raise typer.Exit(code or EXIT_FAILED)
    print_line(f"Every figure is correct. The demo took {time.monotonic() - started:.1f} s, including start and stop.")


def _run(endpoints: Endpoints, directory: Path) -> list[str]:
    """Upload the sample files, print all results, and return a sentence for each wrong figure."""
    samples = write_samples(directory / "samples", ROWS, ERROR_RATE)
    print_line()
    _print_heading(
        f"Three vendors upload {ROWS} products each at the same time, {samples[0].invalid_rows} of them with errors"
    )
    with environment_of(endpoints):
        ctx = AppContext(Settings.from_environment())
        try:
            outcomes = _upload(ctx, samples)
            emails = _wait_for_emails(Path(endpoints.inbox_dir), len(samples))
            seconds = max(outcome.seconds for outcome in outcomes)
            print_line(f"From upload to the last result: {seconds:.1f} s.")
            print_line()
            _print_heading("Uploads")
            uploads = [outcome.upload for outcome in outcomes if outcome.upload is not None]
            print_upload_table(uploads)
            _print_emails(emails)
            errors = [*_check_counts(samples, outcomes), *_check_emails(outcomes, emails)]
            errors += _print_report(ctx, outcomes[0])
            errors += _print_catalog(ctx, samples)
        finally:
            ctx.database.close()
    return errors


def _upload(ctx: AppContext, samples: Sequence[SampleFile]) -> list[UploadOutcome]:
    # Threads can share a client of boto3, but cannot create one at the same time.
    _ = ctx.s3
    with ThreadPoolExecutor(len(samples)) as pool:
        submissions = list(pool.map(lambda sample: submit_file(ctx, sample.path, sample.vendor_id), samples))
    with progress_bars(make_console(), submissions) as progress:
        return wait_for_outcomes(make_local_runner(ctx), submissions, TIMEOUT, progress)


def _wait_for_emails(inbox: Path, count: int) -> list[Email]:
    """Wait until the inbox has a number of e-mails, and then for more; return all e-mails, also after a timeout."""
    deadline = time.monotonic() + EMAIL_TIMEOUT
    while len(read_emails(inbox)) < count and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(EXTRA_EMAIL_SECONDS)
    return read_emails(inbox)


def _print_emails(emails: Sequence[Email]) -> None:
    print_line()
    _print_heading(f"E-mails ({len(emails)})")
    if emails:
        print_email_table(emails)
        print_line()
        print_line("The first one:")
        print_line()
        print_email(emails[0], indent="    ")


def _print_report(ctx: AppContext, outcome: UploadOutcome) -> list[str]:
    """Print the first lines of an upload's error report, and return a sentence if lines are missing."""
    upload = outcome.upload
    if upload is None or upload.error_file_s3_key is None:
        return [f"{outcome.submission.upload_id} has no report."]
    response = ctx.s3.get_object(Bucket=ctx.settings.bucket, Key=upload.error_file_s3_key)
    with response["Body"] as body:
        lines = body.read().decode("utf-8-sig").splitlines()
    print_line()
    _print_heading(f"Report {upload.error_file_s3_key}")
    for line in lines[:MAX_REPORT_LINES]:
        make_console().print(line, no_wrap=True, overflow="ellipsis")
    if len(lines) > MAX_REPORT_LINES:
        print_line(f"... and {len(lines) - MAX_REPORT_LINES} more")
    if lines[0] != ",".join(HEADER) or len(lines) <= upload.error_records:
        return [f"{upload.error_file_s3_key} has fewer lines than the {upload.error_records} rows with errors."]
    return []


def _print_catalog(ctx: AppContext, samples: Sequence[SampleFile]) -> list[str]:
    """Print the catalog, and return a sentence for each vendor with a wrong number of products."""
    counts = ctx.database.run(lambda connection: connection.execute(query("count_products_by_vendor")).fetchall())
    products = ctx.database.run(
        lambda connection: connection.execute(query("list_sample_products"), {"products_per_vendor": 2}).fetchall()
    )
    print_line()
    _print_heading(f"Catalog ({sum(count for _, _, count in counts)} products)")
    print_table((Column("Vendor"), Column("Name"), Column("Products", "right")), counts)
    print_line()
    columns = (
        Column("Vendor"),
        Column("SKU"),
        Column("Product", wraps=True),
        Column("Category", wraps=True),
        Column("Price", "right"),
        Column("Stock", "right"),
    )
    print_table(columns, products)
    expected_counts = {sample.vendor_id: sample.rows - sample.invalid_rows for sample in samples}
    return [
        f"{vendor_id} has {count} products in the catalog instead of {expected_counts.get(vendor_id, 0)}."
        for vendor_id, _, count in counts
        if count != expected_counts.get(vendor_id, 0)
    ]


def _check_counts(samples: Sequence[SampleFile], outcomes: Sequence[UploadOutcome]) -> list[str]:
    """Return a sentence for each upload with wrong counts."""
    errors = []
    for sample, outcome in zip(samples, outcomes, strict=True):
        upload = outcome.upload
        if upload is None:
            errors.append(f"{sample.path.name} was quarantined: {outcome.quarantined}")
            continue
        expected_counts = (sample.rows, sample.rows - sample.invalid_rows, sample.invalid_rows)
        counts = (upload.total_records, upload.valid_records, upload.error_records)
        if counts != expected_counts:
            errors.append(f"{sample.path.name} has (rows, valid, errors) = {counts} instead of {expected_counts}.")
    return errors


def _check_emails(outcomes: Sequence[UploadOutcome], emails: Sequence[Email]) -> list[str]:
    """Return a sentence unless each vendor got exactly one e-mail."""
    expected_recipients = sorted((outcome.upload.vendor_email,) for outcome in outcomes if outcome.upload is not None)
    recipients = sorted(email.recipients for email in emails)
    return (
        [] if recipients == expected_recipients else [f"E-mails went to {recipients} instead of {expected_recipients}."]
    )


def _print_heading(text: str) -> None:
    print_line(text, style="bold")
