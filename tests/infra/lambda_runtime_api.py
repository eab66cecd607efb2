"""Fake of Lambda's runtime API, which one function polls for events."""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PREFIX = "/2018-06-01/runtime/"


@dataclass
class FunctionQueues:
    """Events for a function, and its responses by kind (`response` or `error`)."""

    address: str
    events: queue.Queue[Any] = field(default_factory=queue.Queue)
    responses: queue.Queue[tuple[str, Any]] = field(default_factory=queue.Queue)

    def call(self, event: Any, seconds: float = 60) -> Any:
        """Return the response to an event. Raises AssertionError with the error if the function fails."""
        self.events.put(event)
        kind, response = self.responses.get(timeout=seconds)
        assert kind == "response", response
        return response


@contextmanager
def runtime_api() -> Iterator[FunctionQueues]:
    """Serve a runtime API for one function on a free port, and yield its queues."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            event = queues.events.get()
            body = json.dumps(event).encode()
            self.send_response(200)
            self.send_header("Lambda-Runtime-Aws-Request-Id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
            self.send_header("Lambda-Runtime-Deadline-Ms", str(int(time.time() * 1000) + 300_000))
            self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:000000000000:function:f")
            self.send_header("Lambda-Runtime-Trace-Id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            # Either …/invocation/<id>/response, or an error there or at the start.
            kind = self.path.removeprefix(PREFIX).rsplit("/", 1)[-1]
            queues.responses.put((kind, json.loads(body or b"null")))
            self.send_response(202)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Log no requests."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """Ignore the broken connection of a function that was killed while it waited for an event."""

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    queues = FunctionQueues(f"127.0.0.1:{server.server_address[1]}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield queues
    finally:
        server.shutdown()
        server.server_close()
