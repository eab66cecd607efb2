"""Reader for the inbox: the e-mails that the local stack delivered, one `.eml` file each."""

from __future__ import annotations

import email.policy
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Mail:
    """A delivered e-mail. `recipients` are the addresses of its SMTP envelope, not of its headers."""

    path: Path
    date: datetime
    sender: str
    recipients: tuple[str, ...]
    subject: str
    text: str


def read_mails(directory: Path, last: int | None = None) -> list[Mail]:
    """Return the e-mails in `directory`, or the `last` ones, oldest first; none if it does not exist."""
    paths = _paths(directory)
    return _read(paths if last is None else paths[-last:])


def read_mail(directory: Path, name: str) -> Mail | None:
    """Return the e-mail whose file has this name, or None. The name is only compared, never part of a path."""
    return next(iter(_read(path for path in _paths(directory) if path.name == name)), None)


def _paths(directory: Path) -> list[Path]:
    return sorted(directory.glob("[!.]*.eml"))


def _read(paths: Iterable[Path]) -> list[Mail]:
    """Parse the files. One that is not an e-mail becomes an unreadable one; one that was removed is omitted."""
    mails = []
    for path in paths:
        try:
            mails.append(_parse(path, path.read_bytes()))
        except FileNotFoundError:
            continue
        # The parser raises many kinds of exceptions: LookupError, ValueError, AttributeError, IndexError.
        except Exception as error:  # noqa: BLE001
            reason = f"{path} cannot be read as an e-mail ({type(error).__name__}: {error}). Delete it, or repair it."
            mails.append(Mail(path, _modified(path), "", (), "Unreadable e-mail", _encodable(reason)))
    return mails


def _parse(path: Path, content: bytes) -> Mail:
    if not content.strip():
        raise ValueError("the file is empty")
    message = message_from_bytes(content, policy=email.policy.default)
    body = message.get_body(preferencelist=("plain", "html"))
    return Mail(
        path=path,
        date=(message["Date"].datetime if message["Date"] else None) or _modified(path),
        sender=_encodable(message["From"] or ""),
        recipients=tuple(_encodable(value) for value in message.get_all("Delivered-To", [])),
        subject=_encodable(message["Subject"] or ""),
        text=_encodable(body.get_content() if body is not None else ""),
    )


def _encodable(text: object) -> str:
    """Replace the surrogates of undecodable bytes: no page and no terminal can show them."""
    return str(text).encode("utf-8", "replace").decode()


def _modified(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)
