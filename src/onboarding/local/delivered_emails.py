"""Reader for delivered e-mails: the `.eml` files that the SMTP inbox of the local stack stored."""

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
class Email:
    """A delivered e-mail. `recipients` are the addresses of its SMTP envelope."""

    path: Path
    date: datetime
    sender: str
    recipients: tuple[str, ...]
    subject: str
    text: str


def read_emails(directory: Path, last: int | None = None) -> list[Email]:
    """Return the e-mails in `directory`, or only the `last` ones, the oldest first; none if it does not exist."""
    paths = _list_paths(directory)
    return _read_files(paths if last is None else paths[-last:])


def read_email(directory: Path, name: str) -> Email | None:
    """Return the e-mail whose file has this name, or None. The name may be untrusted: it is never part of a path."""
    return next(iter(_read_files(path for path in _list_paths(directory) if path.name == name)), None)


def _list_paths(directory: Path) -> list[Path]:
    return sorted(directory.glob("[!.]*.eml"))


def _read_files(paths: Iterable[Path]) -> list[Email]:
    """Return the e-mails in files. A file that is not an e-mail gives one with the error as text.

    A file that no longer exists is omitted.
    """
    emails = []
    for path in paths:
        try:
            emails.append(_parse(path, path.read_bytes()))
        except FileNotFoundError:
            continue
        # The parser raises many kinds of exceptions: LookupError, ValueError, AttributeError, IndexError.
        except Exception as error:  # noqa: BLE001
            reason = f"{path} cannot be read as an e-mail ({type(error).__name__}: {error}). Delete it, or repair it."
            emails.append(
                Email(path, _get_modified_time(path), "", (), "Unreadable e-mail", _replace_surrogates(reason))
            )
    return emails


def _parse(path: Path, content: bytes) -> Email:
    if not content.strip():
        raise ValueError("the file is empty")
    message = message_from_bytes(content, policy=email.policy.default)
    body = message.get_body(preferencelist=("plain", "html"))
    return Email(
        path=path,
        date=(message["Date"].datetime if message["Date"] else None) or _get_modified_time(path),
        sender=_replace_surrogates(message["From"] or ""),
        recipients=tuple(_replace_surrogates(value) for value in message.get_all("Delivered-To", [])),
        subject=_replace_surrogates(message["Subject"] or ""),
        text=_replace_surrogates(body.get_content() if body is not None else ""),
    )


def _replace_surrogates(text: object) -> str:
    """Return a text without the surrogates of undecodable bytes, which cannot be encoded as UTF-8."""
    return str(text).encode("utf-8", "replace").decode()


def _get_modified_time(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)
