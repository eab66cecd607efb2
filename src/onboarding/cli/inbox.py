"""`onboarding inbox`: the mails that the local stack delivered."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from onboarding.cli.errors import CommandError
from onboarding.cli.options import Json, State
from onboarding.cli.output import Column, console, say, say_json, table
from onboarding.cli.target import running_local_stack
from onboarding.local.delivered_emails import Mail, read_mails

app = typer.Typer(help="The mails that the local stack delivered.")


@app.callback(invoke_without_command=True)
def inbox(ctx: typer.Context, state: State = None, as_json: Json = False) -> None:
    """List the mails that the local stack delivered, oldest first."""
    if ctx.invoked_subcommand is not None:
        ctx.obj = (state, as_json)
        return
    mails = _mails(state)
    if as_json:
        say_json({"mails": [_described(number, mail) for number, mail in enumerate(mails, 1)]})
    elif mails:
        console().print(mail_table(mails))
    else:
        say("No mail has come.")


@app.command()
def show(
    ctx: typer.Context,
    number: Annotated[int, typer.Argument(metavar="N", help="The mail's number in the list.")],
    state: State = None,
    as_json: Json = False,
) -> None:
    """Print one mail."""
    state_before, json_before = ctx.obj
    mails = _mails(state or state_before)
    if not 1 <= number <= len(mails):
        raise CommandError(f"There is no mail {number}; the inbox has {len(mails)}.")
    mail = mails[number - 1]
    if as_json or json_before:
        say_json(_described(number, mail))
    else:
        say_mail(mail)


def mail_table(mails: Sequence[Mail]) -> Table:
    """The mails as the list shows them."""
    columns = (Column("#", "right"), Column("Date (UTC)"), Column("To"), Column("Subject", folds=True))
    rows = [
        (number, f"{mail.date:%Y-%m-%d %H:%M:%S}", ", ".join(mail.recipients), mail.subject)
        for number, mail in enumerate(mails, 1)
    ]
    return table(columns, rows)


def say_mail(mail: Mail, indent: str = "") -> None:
    """Print a mail as its reader sees it."""
    head = {"From": mail.sender, "To": ", ".join(mail.recipients), "Subject": mail.subject}
    for line in (*(f"{name}: {value}" for name, value in head.items()), "", *mail.text.splitlines()):
        say(f"{indent}{line}".rstrip())


def _described(number: int, mail: Mail) -> dict[str, object]:
    return {
        "number": number,
        "date": mail.date.isoformat(),
        "from": mail.sender,
        "to": list(mail.recipients),
        "subject": mail.subject,
        "text": mail.text,
        "path": str(mail.path),
    }


def _mails(state: Path | None) -> list[Mail]:
    return read_mails(Path(running_local_stack(state).inbox_dir))
