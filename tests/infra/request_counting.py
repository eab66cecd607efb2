"""Proxy between the functions and the AWS emulator that counts the requests by service and operation."""

from __future__ import annotations

import http.client
import json
import math
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs

from tests.support.http_server import serve

INDEXES = {"UploadRecords": 1}
"""Number of indexes of a table that project all attributes: each adds one write per item."""

Attributes = dict[str, dict[str, Any]]


@dataclass
class Counts:
    """Requests by operation, such as `dynamodb.BatchWriteItem`, and DynamoDB's write units."""

    requests: Counter[str] = field(default_factory=Counter)
    write_units: int = 0
    bytes_sent: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, operation: str, body: bytes) -> None:
        with self._lock:
            self.requests[operation] += 1
            self.bytes_sent += len(body)
            if operation.startswith("dynamodb."):
                self.write_units += calculate_write_units(operation.removeprefix("dynamodb."), json.loads(body))

    def reset(self) -> None:
        with self._lock:
            self.requests.clear()
            self.write_units = self.bytes_sent = 0


def calculate_write_units(operation: str, request: dict[str, Any]) -> int:
    """Return the write units of a request: one per started KiB of each item, in the table and in each index."""
    if operation == "BatchWriteItem":
        return sum(
            calculate_item_units(put["PutRequest"]["Item"]) * (1 + INDEXES.get(table, 0))
            for table, puts in request["RequestItems"].items()
            for put in puts
        )
    if operation in {"PutItem", "UpdateItem", "DeleteItem"}:
        return calculate_item_units(request.get("Item", {})) * (1 + INDEXES.get(request["TableName"], 0))
    return 0


def calculate_item_units(item: Attributes) -> int:
    return max(1, math.ceil(calculate_item_size(item) / 1024))


def calculate_item_size(item: Attributes) -> int:
    """Return the size of an item in bytes as DynamoDB counts it."""
    return sum(len(name.encode()) + calculate_value_size(value) for name, value in item.items())


def calculate_value_size(value: dict[str, Any]) -> int:
    [(kind, content)] = value.items()
    if kind == "M":
        return 3 + sum(1 + len(name.encode()) + calculate_value_size(inner) for name, inner in content.items())
    if kind == "N":
        return len(content) // 2 + 2
    return len(str(content).encode())


def parse_operation(method: str, path: str, headers: Message, body: bytes) -> str:
    """Return the service and the operation of a request, such as `sqs.SendMessage`."""
    if target := headers.get("X-Amz-Target"):
        service, name = target.split(".")
        return f"{ {'DynamoDB_20120810': 'dynamodb', 'AmazonSQS': 'sqs'}.get(service, service) }.{name}"
    if body.startswith((b"Action=", b"Version=")) or b"&Action=" in body:
        scope = headers.get("Authorization", "////").split("/")
        return f"{scope[3]}.{parse_qs(body.decode())['Action'][0]}"
    listing = "?" in path and "versions" in path
    return "s3." + ("LIST" if listing else method)


@contextmanager
def count_requests(upstream_port: int) -> Iterator[tuple[str, Counts]]:
    """Yield the URL of a proxy to the AWS emulator, and the counts of its requests."""
    counts = Counts()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def forward(self) -> None:
            body = self._read()
            counts.add(parse_operation(self.command, self.path, self.headers, body), body)
            connection = http.client.HTTPConnection("127.0.0.1", upstream_port)
            headers = {k: v for k, v in self.headers.items() if k.lower() not in {"transfer-encoding", "expect"}}
            headers["Content-Length"] = str(len(body))
            connection.request(self.command, self.path, body, headers)
            response = connection.getresponse()
            content = response.read()
            connection.close()
            self.send_response(response.status)
            for name, value in response.getheaders():
                if name.lower() not in {"transfer-encoding", "content-length", "connection", "date", "server"}:
                    self.send_header(name, value)
            head = self.command == "HEAD"
            self.send_header(
                "Content-Length", response.headers.get("Content-Length", "0") if head else str(len(content))
            )
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = forward  # noqa: N815

        def _read(self) -> bytes:
            if self.headers.get("Transfer-Encoding") == "chunked":
                parts = []
                while length := int(self.rfile.readline().split(b";")[0], 16):
                    parts.append(self.rfile.read(length))
                    self.rfile.readline()
                while self.rfile.readline() not in (b"\r\n", b""):
                    pass
                return b"".join(parts)
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))

        def log_message(self, *_: object) -> None:
            """Log no requests."""

    with serve(Handler) as url:
        yield url, counts
