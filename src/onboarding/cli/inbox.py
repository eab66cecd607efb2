"""`onboarding inbox`: the e-mails that the local stack delivered."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from onboarding.cli.errors import CommandError
from onboarding.cli.options import Json, State
from onboarding.cli.output import Column, print_json, print_line, print_table
from onboarding.cli.target import find_local_stack
from onboarding.local.delivered_emails import Email, read_emails

app = typer.Typer(help="E-mails that the local stack delivered; without a command, list them.")


@app.callback(invoke_without_command=True)
def inbox(ctx: typer.Context, state: State = None, as_json: Json = False) -> None:
    """List the e-mails that the local stack delivered, oldest first."""
    if ctx.invoked_subcommand is not None:
        ctx.obj = (state, as_json)
        return
    emails = _read_inbox(state)
    if as_json:
        print_json({"emails": [_format_email_json(number, email) for number, email in enumerate(emails, 1)]})
    elif emails:
        print_email_table(emails)
    else:
        print_line("The inbox is empty.")


@app.command()
def show(
    ctx: typer.Context,
    number: Annotated[int, typer.Argument(metavar="N", help="Number in the list.")],
    state: State = None,
    as_json: Json = False,
) -> None:
    """Print one e-mail."""
    group_state, group_json = ctx.obj
    emails = _read_inbox(state or group_state)
    if not 1 <= number <= len(emails):
        raise CommandError(f"There is no e-mail {number}; the inbox has {len(emails)}.")
    email = emails[number - 1]
    if as_json or group_json:
        print_json(_format_email_json(number, email))
    else:
        print_email(email)


def print_email_table(emails: Sequence[Email]) -> None:
    """Print a table of e-mails, numbered from 1."""
    columns = (Column("#", "right"), Column("Date (UTC)"), Column("To"), Column("Subject", wraps=True))
    rows = [
        (number, f"{email.date:%Y-%m-%d %H:%M:%S}", ", ".join(email.recipients), email.subject)
        for number, email in enumerate(emails, 1)
    ]
    print_table(columns, rows)


def print_email(email: Email, indent: str = "") -> None:
    """Print an e-mail: sender, recipients, subject and text."""
    headers = {"From": email.sender, "To": ", ".join(email.recipients), "Subject": email.subject}
    for line in (*(f"{name}: {value}" for name, value in headers.items()), "", *email.text.splitlines()):
        print_line(f"{indent}{line}".rstrip())


def _format_email_json(number: int, email: Email) -> dict[str, object]:
    return {
        "number": number,
        "date": email.date.isoformat(),
        "from": email.sender,
        "to": list(email.recipients),
        "subject": email.subject,
        "text": email.text,
        "path": str(email.path),
    }


def _read_inbox(state: Path | None) -> list[Email]:
    return read_emails(Path(find_local_stack(state).inbox_dir))
