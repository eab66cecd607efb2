"""`onboarding local up`."""

from __future__ import annotations

import threading
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from onboarding.aws.objects import ENDINGS
from onboarding.cli.errors import CommandError
from onboarding.cli.options import State
from onboarding.cli.output import say
from onboarding.cli.target import environment_of
from onboarding.config import Settings
from onboarding.local.endpoints import DEFAULT_STATE
from onboarding.local.recovery import bring_back
from onboarding.runtime import AppContext

if TYPE_CHECKING:
    from collections.abc import Callable

    from onboarding.local.endpoints import Endpoints

STOP_SECONDS = 5

app = typer.Typer(no_args_is_help=True, help="The pipeline on this machine, without an AWS account.")


@app.callback()
def local() -> None:
    """Makes `up` a command of its own, beside those to come."""


@app.command()
def up(
    state: State = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Where the AWS APIs answer. The one of the last run, or any.")
    ] = None,
) -> None:
    """Start PostgreSQL, the AWS APIs and the mail inbox, and stay until Ctrl-C.

    What was finished is still there when the same state directory is used again.
    """
    directory = state or DEFAULT_STATE
    say(f"Starting on {directory} ...")
    code = run_engine(directory, port, _show)
    if code == 0:
        say("Stopped.")
    raise typer.Exit(code)


def run_engine(state: Path, port: int | None, on_ready: Callable[[Endpoints], Callable[[], None] | None]) -> int:
    """Run the local engine until it is told to stop; the exit code. Raises CommandError if it is not installed."""
    try:
        # Its libraries are an extra of the package, which no function on AWS needs.
        from onboarding.local.stack import run_until_stopped  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise CommandError(
            f"The local engine is not installed ({error.name} is missing). "
            "Install it with: pip install 'product-onboarding[local]'"
        ) from error
    return run_until_stopped(state, port, on_ready, say=lambda line: say(line, stderr=True))


class _Recovery:
    """Drives on, in a thread of its own, what was in progress when this state directory was last used.

    The engine itself has forgotten it. Nothing waits for the end of this: reading a file may take its time.
    """

    def __init__(self, endpoints: Endpoints) -> None:
        self._stopping = threading.Event()
        self._inbox = Path(endpoints.inbox_dir)
        with environment_of(endpoints):
            self._ctx = AppContext(Settings.from_environment())
            # Made here, by this environment, which the thread does not have.
            for made in (self._ctx.s3, self._ctx.dynamodb, self._ctx.sqs, self._ctx.sns, self._ctx.database):
                assert made is not None  # noqa: S101
            self._ctx.secret(self._ctx.settings.database_secret)
        self._thread = threading.Thread(target=self._run, name="recovery", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End it after the upload at hand, for which it does not wait long: the next start finds that again."""
        self._stopping.set()
        self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        count = 0
        with closing(self._ctx) as ctx:
            for found in bring_back(ctx, self._inbox):
                if self._stopping.is_set():
                    return
                if isinstance(found, Exception):
                    about = ", ".join(getattr(found, "__notes__", ()))
                    why = f"{type(found).__name__}: {found}"
                    say(f"  not brought back: {about} ({why}); the watchdog tries again", style="red", stderr=True)
                else:
                    count += 1
                    say(f"  {found.outcome}: {found.upload_id or found.s3_key}")
        if count:
            say(f"Recovery finished: {count} {'upload' if count == 1 else 'uploads'}.")


def _show(endpoints: Endpoints) -> Callable[[], None]:
    lines = {
        "Portal": f"{endpoints.portal_url}  (sign in as contact@techgear.com or operator@techmart.example)",
        "Inbox": f"{endpoints.portal_url}/inbox  (every mail, with the links to sign in)",
        "REST API": f"{endpoints.portal_url}/v1/openapi.json",
        "AWS APIs": f"{endpoints.aws_endpoint_url}  (region {endpoints.aws_region}, "
        f"key {endpoints.aws_access_key_id}, secret {endpoints.aws_secret_access_key})",
        "Bucket": f"s3://{endpoints.bucket}/uploads/<vendor id>/<file>, which ends in {ENDINGS}",
        "Database": endpoints.database_url,
        "Mails": endpoints.inbox_dir,
        "Logs": endpoints.log_dir,
    }
    for name, value in lines.items():
        say(f"  {name + ':':10} {value}")
    recovery = _Recovery(endpoints)
    try:
        say("Ready. Stop it with Ctrl-C. Uploads that were in progress at the last stop are recovered meanwhile.")
    except BaseException:
        recovery.stop()
        raise
    return recovery.stop
