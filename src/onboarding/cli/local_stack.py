"""`onboarding local up`: local stack in the foreground."""

from __future__ import annotations

import threading
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from onboarding.aws.objects import ENDINGS
from onboarding.cli.errors import CommandError
from onboarding.cli.options import State
from onboarding.cli.output import format_count, print_line
from onboarding.cli.target import environment_of
from onboarding.config import Settings
from onboarding.local.endpoints import DEFAULT_STATE, LOCK
from onboarding.local.restart_recovery import recover_uploads
from onboarding.runtime import AppContext

if TYPE_CHECKING:
    from collections.abc import Callable

    from onboarding.local.endpoints import Endpoints

STOP_TIMEOUT = 5

app = typer.Typer(no_args_is_help=True, help="The pipeline on this machine, without an AWS account.")


@app.callback()
def local() -> None:
    """Keep `up` a subcommand; without a callback typer would merge the only command into `local`."""


@app.command()
def up(
    state: State = None,
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="The port of the AWS APIs; by default that of the last run."),
    ] = None,
) -> None:
    """Start PostgreSQL, the AWS APIs, the portal and the e-mail inbox, and run until Ctrl-C.

    Files, uploads and e-mails are kept in the state directory for the next start.
    """
    directory = state or DEFAULT_STATE
    print_line(f"Starting on {directory} ...")
    # Every start creates the file of the lock, and no stop deletes it.
    is_restart = (directory / LOCK).exists()
    code = run_local_stack(directory, port, partial(_print_addresses_and_recover, is_restart=is_restart))
    if code == 0:
        print_line("Stopped.")
    raise typer.Exit(code)


def run_local_stack(state: Path, port: int | None, on_ready: Callable[[Endpoints], Callable[[], None] | None]) -> int:
    """Run the local stack until a signal; return the exit code. Raises CommandError if it is not installed."""
    try:
        # Imported here: its libraries are an optional extra of the package.
        from onboarding.local.stack import run_until_stopped  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise CommandError(
            f"The local stack is not installed ({error.name} is missing). "
            "Install it with: pip install 'product-onboarding[local]'"
        ) from error
    return run_until_stopped(state, port, on_ready, print_error=lambda text: print_line(text, stderr=True))


class _RecoveryThread:
    """Thread that resumes the uploads that were processing when the local stack last stopped.

    The AWS emulator has lost their events. The start does not wait for the thread, since reading a file can take long.
    """

    def __init__(self, endpoints: Endpoints) -> None:
        self._stopping = threading.Event()
        self._inbox = Path(endpoints.inbox_dir)
        with environment_of(endpoints):
            self._ctx = AppContext(Settings.from_environment())
            # Create the clients here: they read this environment, which is restored before the thread runs.
            for client in (self._ctx.s3, self._ctx.dynamodb, self._ctx.sqs, self._ctx.sns, self._ctx.database):
                assert client is not None  # noqa: S101
            self._ctx.secret(self._ctx.settings.database_secret)
        self._thread = threading.Thread(target=self._run, name="recovery", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop after the current upload, or after a timeout; the next start resumes the remaining uploads."""
        self._stopping.set()
        self._thread.join(STOP_TIMEOUT)

    def _run(self) -> None:
        count = 0
        with closing(self._ctx) as ctx:
            for result in recover_uploads(ctx, self._inbox):
                if self._stopping.is_set():
                    return
                if isinstance(result, Exception):
                    subject = ", ".join(getattr(result, "__notes__", ()))
                    reason = f"{type(result).__name__}: {result}"
                    print_line(
                        f"  not recovered: {subject} ({reason}); the watchdog tries again", style="red", stderr=True
                    )
                else:
                    count += 1
                    print_line(f"  {result.outcome}: {result.upload_id or result.s3_key}")
        if count:
            print_line(f"Recovery finished: {format_count(count, 'upload')}.")


def _print_addresses_and_recover(endpoints: Endpoints, *, is_restart: bool) -> Callable[[], None]:
    """Print the addresses of the local stack, start the recovery, and return the function that stops it."""
    addresses = {
        "Portal": f"{endpoints.portal_url}  (sign in as contact@techgear.com or operator@techmart.example)",
        "Inbox": f"{endpoints.portal_url}/inbox  (every e-mail, with the sign-in links)",
        "REST API": f"{endpoints.portal_url}/v1/openapi.json",
        "AWS APIs": f"{endpoints.aws_endpoint_url}  (region {endpoints.aws_region}, "
        f"key {endpoints.aws_access_key_id}, secret {endpoints.aws_secret_access_key})",
        "Bucket": f"s3://{endpoints.bucket}/uploads/<vendor id>/<file>, where <file> ends in {ENDINGS}",
        "Database": endpoints.database_url,
        "E-mails": endpoints.inbox_dir,
        "Logs": endpoints.log_dir,
    }
    for name, value in addresses.items():
        print_line(f"  {name + ':':10} {value}")
    recovery = _RecoveryThread(endpoints)
    try:
        print_line("Ready. Press Ctrl-C to stop.")
        if is_restart:
            print_line("Uploads that were in progress at the last stop are being recovered.")
    except BaseException:
        recovery.stop()
        raise
    return recovery.stop
