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


def read_mails(directory: Path) -> list[Mail]:
    """The mails in `directory`, oldest first; none if it does not exist."""
    return [_read(path) for path in sorted(directory.glob("[!.]*.eml"))]


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
