"""SMTP server on the loopback address that stores every e-mail as a file and forwards none.

`delivered_emails` reads the files. It is a separate module, since this one needs aiosmtpd, an extra of the package.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING

from aiosmtpd.smtp import SMTP, Envelope, Session

from onboarding.local.state_files import private_directory, write_atomically

if TYPE_CHECKING:
    from pathlib import Path

HOST = "127.0.0.1"


class _Server(SMTP):
    """One SMTP connection. The first line of an HTTP request closes it, so that no web page can deliver e-mail."""

    async def reject_http(self, _: str) -> None:
        await self.push("421 This is not a web server")
        if self._handler_coroutine is not None and self.transport is not None:
            self._handler_coroutine.cancel()
            self.transport.close()

    smtp_GET = smtp_HEAD = smtp_POST = smtp_PUT = smtp_PATCH = smtp_DELETE = smtp_OPTIONS = reject_http  # noqa: N815


class Inbox:
    """The SMTP server. The constructor binds its port; it responds from `start` until `stop`."""

    def __init__(self, directory: Path) -> None:
        self.directory = private_directory(directory)
        self._socket = socket.create_server((HOST, 0))
        self.port: int = self._socket.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._thread: threading.Thread | None = None
        self._last = datetime.min.replace(tzinfo=UTC)

    def start(self) -> None:
        """Start responding in a new thread."""
        self._thread = threading.Thread(target=self._serve, name="inbox", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop responding. E-mails whose delivery was confirmed are on disk."""
        if self._thread is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._thread = None
        self._socket.close()
        self._loop.close()

    def _serve(self) -> None:
        loop = self._loop
        asyncio.set_event_loop(loop)
        # With a host name: otherwise aiosmtpd looks up that of this machine, which may wait for a name server.
        server = loop.run_until_complete(
            loop.create_server(lambda: _Server(self, hostname="localhost", loop=loop), sock=self._socket)
        )
        loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(loop):
            task.cancel()
            loop.run_until_complete(asyncio.gather(task, return_exceptions=True))

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Store an e-mail and return the SMTP response; aiosmtpd calls this."""
        now = self._get_arrival_time()
        content = envelope.original_content or b""
        headers = [f"Delivered-To: {recipient}" for recipient in envelope.rcpt_tos]
        if b"\ndate:" not in b"\n" + content.split(b"\r\n\r\n", 1)[0].lower():
            headers.append(f"Date: {format_datetime(now)}")
        name = f"{now:%Y%m%dT%H%M%S.%fZ}-{secrets.token_hex(3)}.eml"
        write_atomically(self.directory / name, "".join(f"{line}\r\n" for line in headers).encode() + content)
        return "250 Stored"

    def _get_arrival_time(self) -> datetime:
        """Return the current time, later than that of the last e-mail, so that file names sort by arrival."""
        self._last = max(datetime.now(UTC), self._last + timedelta(microseconds=1))
        return self._last
