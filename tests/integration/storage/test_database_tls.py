"""TLS to PostgreSQL: by default only with a verified certificate.

The PostgreSQL of the tests is built without TLS, so a relay in front of it terminates TLS.
"""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from onboarding.config import Settings
from onboarding.runtime import AppContext
from onboarding.storage.database import Connection

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate")

SSL_REQUEST = bytes.fromhex("0000000804d2162f")


def make_certificate(directory: Path) -> Path:
    """Create a self-signed certificate for `localhost`, with its key in the same file."""
    path = directory / "certificate.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", *subject]
    subprocess.run([*command, "-keyout", path, "-out", directory / "public.pem"], check=True, capture_output=True)
    with path.open("ab") as file:
        file.write((directory / "public.pem").read_bytes())
    return path


@contextmanager
def relay(certificate: Path, port: int) -> Iterator[int]:
    """Yield a local port that accepts TLS and forwards connections to `port`."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)

    def serve(client: socket.socket) -> None:
        with suppress(OSError), ExitStack() as stack:
            stack.enter_context(client)
            while client.recv(8) == SSL_REQUEST:
                client.sendall(b"S")
                client = stack.enter_context(tls.wrap_socket(client, server_side=True))
                server = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
                back = threading.Thread(target=copy, args=(server, client), daemon=True)
                back.start()
                copy(client, server)
                return

    with socket.create_server(("127.0.0.1", 0)) as listening:

        def accept() -> None:
            with suppress(OSError):
                while True:
                    threading.Thread(target=serve, args=(listening.accept()[0],), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield listening.getsockname()[1]


def copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


MakeContext = Callable[..., AppContext]


@pytest.fixture
def make_context(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeContext]:
    """Return a factory of contexts whose secret has the address of the relay, with these environment variables."""
    certificate = make_certificate(tmp_path)
    monkeypatch.delenv("PGSSLROOTCERT", raising=False)
    # libpq reads the user's certificate authorities from there.
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    server = conninfo_to_dict(database_url)
    with relay(certificate, int(str(server["port"]))) as port, ExitStack() as stack:

        def make(*, trusted: bool, **environment: str) -> AppContext:
            if trusted:
                monkeypatch.setenv("PGSSLROOTCERT", str(tmp_path / "public.pem"))
            ctx = AppContext(Settings({"RDS_SECRET_NAME": "secret", **environment}))
            secret = {**server, "username": server["user"], "host": "localhost", "port": str(port)}
            monkeypatch.setattr(ctx, "secret", lambda *_, **__: secret)
            stack.callback(ctx.close)
            return ctx

        yield make


def is_encrypted(connection: Connection) -> bool:
    return bool(connection.pgconn.ssl_in_use)


@needs_openssl
def test_connect_verified_certificate_uses_tls(make_context: MakeContext) -> None:
    assert make_context(trusted=True).database.run(is_encrypted)


@needs_openssl
def test_connect_unverified_certificate_sends_no_password(make_context: MakeContext, monkeypatch: Any) -> None:
    monkeypatch.setattr("onboarding.storage.database.ATTEMPTS", 1)
    with pytest.raises(psycopg.OperationalError, match="root certificate file"):
        make_context(trusted=False).database.run(is_encrypted)


@needs_openssl
def test_connect_prefer_mode_uses_tls_if_offered(make_context: MakeContext) -> None:
    assert make_context(trusted=False, DATABASE_SSLMODE="prefer").database.run(is_encrypted)


@pytest.mark.parametrize(("environment", "mode"), [({}, "verify-full"), ({"DATABASE_SSLMODE": "require"}, "require")])
def test_connect_passes_the_ssl_mode(environment: dict[str, str], mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[dict[str, Any]] = []

    def connect(_: str, **parameters: Any) -> None:
        calls.append(parameters)
        raise psycopg.errors.InvalidPassword

    monkeypatch.setattr(psycopg, "connect", connect)
    monkeypatch.setattr("onboarding.storage.database.ATTEMPTS", 1)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    ctx = AppContext(Settings({"RDS_SECRET_NAME": "secret", **environment}))
    secret = dict.fromkeys(("host", "port", "dbname", "username", "password"), "x")
    monkeypatch.setattr(ctx, "secret", lambda *_, **__: secret)
    with pytest.raises(psycopg.OperationalError):
        ctx.database.run(is_encrypted)
    assert [parameters["sslmode"] for parameters in calls] == [mode]
