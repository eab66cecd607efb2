"""The inbox: an SMTP server on the loopback address that keeps every mail as a file and sends none on.

`mails` reads what lies here.
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
    """One connection. It ends with the first line of an HTTP request: a page in a browser must deliver no mail here."""

    async def refuse_http(self, _: str) -> None:
        await self.push("421 This is no web server")
        if self._handler_coroutine is not None and self.transport is not None:
            self._handler_coroutine.cancel()
            self.transport.close()

    smtp_GET = smtp_HEAD = smtp_POST = smtp_PUT = smtp_PATCH = smtp_DELETE = smtp_OPTIONS = refuse_http  # noqa: N815


class Inbox:
    """Takes mail from construction on (the port is bound), answers from `start` on, until `stop`."""

    def __init__(self, directory: Path) -> None:
        self.directory = private_directory(directory)
        self._socket = socket.create_server((HOST, 0))
        self.port: int = self._socket.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._thread: threading.Thread | None = None
        self._last = datetime.min.replace(tzinfo=UTC)

    def start(self) -> None:
        """Answer on a thread of its own."""
        self._thread = threading.Thread(target=self._serve, name="inbox", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop answering. A mail whose delivery was confirmed is on disk."""
        if self._thread is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._thread = None
        self._socket.close()
        self._loop.close()

    def _serve(self) -> None:
        loop = self._loop
        asyncio.set_event_loop(loop)
        # The name is given because looking up our own may wait for a name server.
        server = loop.run_until_complete(
            loop.create_server(lambda: _Server(self, hostname="localhost", loop=loop), sock=self._socket)
        )
        loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(loop):
            task.cancel()
            loop.run_until_complete(asyncio.gather(task, return_exceptions=True))

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """What aiosmtpd calls with a whole mail; the answer confirms the delivery."""
        now = self._arrival()
        content = envelope.original_content or b""
        head = [f"Delivered-To: {recipient}" for recipient in envelope.rcpt_tos]
        if b"\ndate:" not in b"\n" + content.split(b"\r\n\r\n", 1)[0].lower():
            head.append(f"Date: {format_datetime(now)}")
        name = f"{now:%Y%m%dT%H%M%S.%fZ}-{secrets.token_hex(3)}.eml"
        write_atomically(self.directory / name, "".join(f"{line}\r\n" for line in head).encode() + content)
        return "250 kept"

    def _arrival(self) -> datetime:
        """Now, but always later than the last mail, so that names sort as mails came."""
        self._last = max(datetime.now(UTC), self._last + timedelta(microseconds=1))
        return self._last
