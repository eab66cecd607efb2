"""Entry point of the command `onboarding`."""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, TextIO

import typer

from onboarding import __version__
from onboarding.cli import (
    admin,
    cost,
    demo,
    deploy,
    failed_events,
    inbox,
    local_stack,
    mappings,
    products,
    report,
    sample_data,
    template,
    undo,
    upload_details,
    uploads,
    validate,
    watchdog,
)
from onboarding.cli.errors import explain
from onboarding.cli.output import print_line
from onboarding.cli.upload_client import EXIT_FAILED

INTERRUPTED = 130

_PLAIN_WORDS = {
    ": Value error, ": ": ",
    ": Input should be a valid integer.*": ": enter a whole number.",
    ": Input should be a valid number.*": ": enter a number.",
    ": Input should be (.+)": r": enter a number \1.",
}
"""Replacements for the words with which Pydantic, which Typer uses, begins its messages."""

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
app.command()(report.report)
app.add_typer(mappings.app, name="mappings")
app.add_typer(products.app, name="products")
app.add_typer(inbox.app, name="inbox")
app.add_typer(failed_events.app, name="failures")
app.add_typer(watchdog.app, name="watchdog")
app.add_typer(admin.vendors, name="vendors")
app.add_typer(admin.categories, name="categories")
app.add_typer(admin.operators, name="operators")
app.command("demo")(demo.demo)
app.command("deploy")(deploy.deploy_command)
app.command("destroy")(deploy.destroy_command)
app.command()(cost.cost)


def _show_version(requested: bool) -> None:
    if requested:
        print_line(f"onboarding {__version__}")
        raise typer.Exit


@app.callback()
def onboarding(
    _: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Ingests vendors' product files: every row ends in the catalog or in a report that says what to fix.

    Commands use the local stack of the state directory (--state, ONBOARDING_STATE or .onboarding). If none is running,
    they use AWS with the credentials of the AWS CLI; S3_BUCKET_NAME names the deployment.
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line, this process's own by default, and return its exit code.

    Foreseeable errors and invalid command lines print one sentence on stderr and return 1: 2 and 3 are reserved for the
    results of uploads.
    """
    # A stream that the caller has closed is None.
    sys.stdout, sys.stderr = sys.stdout or _open_null(), sys.stderr or _open_null()
    for stream in (sys.stdout, sys.stderr):
        # A terminal without UTF-8 shows characters outside its encoding as escapes.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = app(arguments, prog_name="onboarding", standalone_mode=False)
        sys.stdout.flush()
    except typer.TyperException as error:
        if message := _describe_usage_error(error):  # blank if the help was printed instead
            print_line(f"{message}\nSee: {_get_command_path(error)} --help", stderr=True)
        return EXIT_FAILED
    except typer.Abort:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader closed the pipe. Python writes buffered output again at exit, which must not fail.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
    except Exception as error:
        explanation = explain(error)
        if explanation is None:
            raise
        print_line(explanation, style="red", stderr=True)
        return EXIT_FAILED
    return code if isinstance(code, int) else 0


def _open_null() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")


def _describe_usage_error(error: typer.TyperException) -> str:
    message = error.format_message()
    for pattern, replacement in _PLAIN_WORDS.items():
        message = re.sub(pattern, replacement, message, count=1)
    return message


def _get_command_path(error: typer.TyperException) -> str:
    """Return the name of the command whose arguments are invalid, such as `onboarding uploads list`."""
    context = getattr(error, "ctx", None)
    return context.command_path if context is not None else "onboarding"
