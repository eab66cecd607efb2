"""The command `onboarding`."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, TextIO

import typer

from onboarding import __version__
from onboarding.cli import (
    admin,
    cost,
    dead_letters,
    demo,
    deploy,
    inbox,
    local_stack,
    sample_data,
    template,
    undo,
    upload_details,
    uploads,
    validate,
)
from onboarding.cli.errors import explain
from onboarding.cli.output import say
from onboarding.cli.upload_client import OUR_FAULT

INTERRUPTED = 130

app = typer.Typer(
    no_args_is_help=True, add_completion=False, rich_markup_mode="markdown", pretty_exceptions_enable=False
)
app.add_typer(local_stack.app, name="local")
app.command("sample")(sample_data.sample_command)
app.command()(template.template)
app.command()(validate.validate)
app.command()(uploads.upload)
uploads.app.command()(upload_details.show)
uploads.app.command("undo")(undo.undo_upload)
app.add_typer(uploads.app, name="uploads")
app.command()(uploads.report)
app.add_typer(inbox.app, name="inbox")
app.add_typer(dead_letters.failures, name="failures")
app.add_typer(dead_letters.watchdog, name="watchdog")
app.add_typer(admin.vendors, name="vendors")
app.add_typer(admin.categories, name="categories")
app.add_typer(admin.operators, name="operators")
app.command("demo")(demo.demo)
app.command("deploy")(deploy.deploy_command)
app.command("destroy")(deploy.destroy_command)
app.command()(cost.cost)


def _show_version(wanted: bool) -> None:
    if wanted:
        say(f"onboarding {__version__}")
        raise typer.Exit


@app.callback()
def onboarding(
    _: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Takes in vendors' product files: every row ends in the catalog, or in a report that says what to fix.

    Commands find the local stack that runs on the state directory (--state, ONBOARDING_STATE or .onboarding), else AWS
    by its usual environment, S3_BUCKET_NAME.
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line, this process's own by default, and return its exit code.

    Faults that can be foreseen end in a sentence on stderr and in 1, as do mistakes in the command line: 2 and 3 say
    how an upload ended, and nothing else.
    """
    # A stream that the caller has closed is None.
    sys.stdout, sys.stderr = sys.stdout or _nowhere(), sys.stderr or _nowhere()
    for stream in (sys.stdout, sys.stderr):
        # A terminal without UTF-8 shows what it can.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = app(arguments, prog_name="onboarding", standalone_mode=False)
        sys.stdout.flush()
    except typer.TyperException as error:
        if message := error.format_message():  # none where the help was shown instead
            say(f"{message}\nSee: {_command_of(error)} --help", stderr=True)
        return OUR_FAULT
    except typer.Abort:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has seen enough; nothing more may be written, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OUR_FAULT
    except Exception as error:
        explanation = explain(error)
        if explanation is None:
            raise
        say(explanation, style="red", stderr=True)
        return OUR_FAULT
    return code if isinstance(code, int) else 0


def _nowhere() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")


def _command_of(error: typer.TyperException) -> str:
    """The command that a mistake in the command line is about."""
    context = getattr(error, "ctx", None)
    return context.command_path if context is not None else "onboarding"
