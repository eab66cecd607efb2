"""`onboarding local up`."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from onboarding.cli.connect import environment_of
from onboarding.cli.console import say
from onboarding.cli.failures import CommandError
from onboarding.cli.options import State
from onboarding.config import Settings
from onboarding.context import Context
from onboarding.local.bring_back import bring_back
from onboarding.local.endpoints import DEFAULT_STATE
from onboarding.objects import ENDINGS

if TYPE_CHECKING:
    from collections.abc import Callable

    from onboarding.local.endpoints import Endpoints

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


def run_engine(state: Path, port: int | None, on_ready: Callable[[Endpoints], None]) -> int:
    """Run the local engine until it is told to stop; the exit code. Raises CommandError if it is not installed."""
    try:
        # Its libraries are an extra of the package, which no function on AWS needs.
        from onboarding.local.up import run_until_stopped  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise CommandError(
            f"The local engine is not installed ({error.name} is missing). "
            "Install it with: pip install 'product-onboarding[local]'"
        ) from error
    return run_until_stopped(state, port, on_ready, say=lambda line: say(line, stderr=True))


def _bring_back(endpoints: Endpoints) -> None:
    """Drive on what was under way when this state directory was last used: the engine itself has forgotten it."""
    with environment_of(endpoints), closing(Context(Settings.from_environment())) as ctx:
        for found in bring_back(ctx, Path(endpoints.inbox_dir)):
            if isinstance(found, Exception):
                about = ", ".join(found.__notes__)
                why = f"{type(found).__name__}: {found}"
                say(f"  not brought back: {about} ({why}); the watchdog tries again", style="red", stderr=True)
            else:
                say(f"  {found.outcome}: {found.upload_id or found.s3_key}")


def _show(endpoints: Endpoints) -> None:
    _bring_back(endpoints)
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
    say("Ready. Stop it with Ctrl-C.")
