"""TCP relay in front of a server that can drop all packets of a connection, as if the host had failed."""

from __future__ import annotations

import contextlib
import ctypes
import socket
import struct
import threading

SO_ATTACH_FILTER = 26
"""From asm-generic/socket.h of Linux; Python does not define it."""

DROP_ALL = struct.pack("HBBI", 0x06, 0, 0, 0)
"""A socket filter of one instruction: `ret #0`, which drops every packet."""


class Relay:
    """Relay of connections to a port of this machine."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._server = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self._clients: list[socket.socket] = []
        self.port: int = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def drop_packets(self) -> None:
        """Drop every packet of the currently connected clients below TCP, so that none is acknowledged.

        Later connections are forwarded.
        """
        instructions = ctypes.create_string_buffer(DROP_ALL, len(DROP_ALL))
        program = struct.pack("HP", 1, ctypes.addressof(instructions))
        for client in self._clients:
            client.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)

    def close(self) -> None:
        """Close all connections and the listening socket."""
        for socket_ in (self._server, *self._sockets):
            # Ends the thread that is blocked on this socket.
            with contextlib.suppress(OSError):
                socket_.shutdown(socket.SHUT_RDWR)
            socket_.close()

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
