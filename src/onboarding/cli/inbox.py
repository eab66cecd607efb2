"""`onboarding inbox`: the e-mails that the local stack delivered."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from onboarding.cli.errors import CommandError
from onboarding.cli.options import Json, State
from onboarding.cli.output import Column, console, say, say_json, table
from onboarding.cli.target import find_local_stack
from onboarding.local.delivered_emails import Mail, read_mails

app = typer.Typer(help="E-mails that the local stack delivered; without a command, list them.")


@app.callback(invoke_without_command=True)
def inbox(ctx: typer.Context, state: State = None, as_json: Json = False) -> None:
    """List the e-mails that the local stack delivered, oldest first."""
    if ctx.invoked_subcommand is not None:
        ctx.obj = (state, as_json)
        return
    mails = _read_inbox(state)
    if as_json:
        say_json({"mails": [_mail_as_json(number, mail) for number, mail in enumerate(mails, 1)]})
    elif mails:
        console().print(mail_table(mails))
    else:
        say("The inbox is empty.")


@app.command()
def show(
    ctx: typer.Context,
    number: Annotated[int, typer.Argument(metavar="N", help="Number in the list.")],
    state: State = None,
    as_json: Json = False,
) -> None:
    """Print one e-mail."""
    group_state, group_json = ctx.obj
    mails = _read_inbox(state or group_state)
    if not 1 <= number <= len(mails):
        raise CommandError(f"There is no e-mail {number}; the inbox has {len(mails)}.")
    mail = mails[number - 1]
    if as_json or group_json:
        say_json(_mail_as_json(number, mail))
    else:
        print_mail(mail)


def mail_table(mails: Sequence[Mail]) -> Table:
    """Return the table of e-mails."""
    columns = (Column("#", "right"), Column("Date (UTC)"), Column("To"), Column("Subject", folds=True))
    rows = [
        (number, f"{mail.date:%Y-%m-%d %H:%M:%S}", ", ".join(mail.recipients), mail.subject)
        for number, mail in enumerate(mails, 1)
    ]
    return table(columns, rows)


def print_mail(mail: Mail, indent: str = "") -> None:
    """Print an e-mail: sender, recipients, subject and text."""
    head = {"From": mail.sender, "To": ", ".join(mail.recipients), "Subject": mail.subject}
    for line in (*(f"{name}: {value}" for name, value in head.items()), "", *mail.text.splitlines()):
        say(f"{indent}{line}".rstrip())


def _mail_as_json(number: int, mail: Mail) -> dict[str, object]:
    return {
        "number": number,
        "date": mail.date.isoformat(),
        "from": mail.sender,
        "to": list(mail.recipients),
        "subject": mail.subject,
        "text": mail.text,
        "path": str(mail.path),
    }


def _read_inbox(state: Path | None) -> list[Mail]:
    return read_mails(Path(find_local_stack(state).inbox_dir))
