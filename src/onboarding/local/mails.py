"""Reading the inbox: the mails that the local engine delivered, one `.eml` file each."""

from __future__ import annotations

import email.policy
from dataclasses import dataclass
from email import message_from_bytes
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Mail:
    """One delivered mail. `recipients` are the addresses it was delivered to, whatever its headers say."""

    path: Path
    date: datetime
    sender: str
    recipients: tuple[str, ...]
    subject: str
    text: str


def read_mails(directory: Path, last: int | None = None) -> list[Mail]:
    """The mails in `directory`, or the `last` so many, oldest first; none if it does not exist."""
    paths = _paths(directory)
    return [_read(path) for path in (paths if last is None else paths[-last:])]


def read_mail(directory: Path, name: str) -> Mail | None:
    """The mail whose file has this name. The name is compared, never made part of a path."""
    return next((_read(path) for path in _paths(directory) if path.name == name), None)


def _paths(directory: Path) -> list[Path]:
    return sorted(directory.glob("[!.]*.eml"))


def _read(path: Path) -> Mail:
    message = message_from_bytes(path.read_bytes(), policy=email.policy.default)
    body = message.get_body(preferencelist=("plain", "html"))
    return Mail(
        path=path,
        date=message["Date"].datetime,
        sender=str(message["From"] or ""),
        recipients=tuple(str(value) for value in message.get_all("Delivered-To", [])),
        subject=str(message["Subject"] or ""),
        text=body.get_content() if body is not None else "",
    )
