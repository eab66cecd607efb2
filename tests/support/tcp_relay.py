"""A TCP relay in front of a server whose connections can drop packets, as a lost host does."""

from __future__ import annotations

import contextlib
import ctypes
import socket
import struct
import threading

SO_ATTACH_FILTER = 26
"""From Linux's asm-generic/socket.h; Python has no name for it."""

DROP_ALL = struct.pack("HBBI", 0x06, 0, 0, 0)
"""A socket filter of one instruction: `ret #0`, which drops every packet."""


class Relay:
    """Forwards connections to a port of this machine."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._server = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self._clients: list[socket.socket] = []
        self.port: int = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def swallow_packets(self) -> None:
        """Drop every packet that the clients connected now send, before TCP sees it: nothing is acknowledged.

        Connections made later are forwarded as before.
        """
        instructions = ctypes.create_string_buffer(DROP_ALL, len(DROP_ALL))
        program = struct.pack("HP", 1, ctypes.addressof(instructions))
        for client in self._clients:
            client.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)

    def close(self) -> None:
        """Close all connections and listen no longer."""
        for some in (self._server, *self._sockets):
            # Wakes the thread that waits for it.
            with contextlib.suppress(OSError):
                some.shutdown(socket.SHUT_RDWR)
            some.close()

    def __enter__(self) -> Relay:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._server.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
                self._sockets += [client, server]
                self._clients.append(client)
                for source, sink in ((client, server), (server, client)):
                    threading.Thread(target=self._forward, args=(source, sink), daemon=True).start()

    @staticmethod
    def _forward(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)
