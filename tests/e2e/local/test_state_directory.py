"""Tests of files in the state directory: reports of damaged files, and ignored files of other directories and runs."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from onboarding.local import postgres
from onboarding.local.delivered_emails import read_email, read_emails
from onboarding.local.postgres import Postgres, _is_server
from onboarding.local.processes import LocalError, Ports
from onboarding.local.stack import LocalStack

DAMAGED = ["", "[]", "null", "{", '"text"', "\x00\x00", "{\xff"]


@pytest.mark.parametrize(
    "content", [*DAMAGED, '{"emulator": "80"}', '{"emulator": 0}', '{"emulator": 65536}', '{"x": true}']
)
def test_ports_damaged_file_is_reported(tmp_path: Path, content: str) -> None:
    path = tmp_path / "ports.json"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(LocalError, match=rf"{path} is damaged; delete it"):
        Ports(path)


@pytest.mark.parametrize("content", [*DAMAGED, "{}", '{"current": ""}', '{"current": 1}', '{"old": "key"}'])
def test_start_damaged_link_keys_are_reported(tmp_path: Path, content: str) -> None:
    path = tmp_path / "link-keys.json"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(LocalError, match=rf"{path} is damaged; restore it, or delete it, and a new key is created"):
        LocalStack(tmp_path).start()


def test_start_undecodable_password_is_reported(tmp_path: Path) -> None:
    (tmp_path / "database-password").write_bytes(b"\xff\xfe")
    with pytest.raises(
        LocalError, match=r"database-password does not contain the password of this database; delete the file"
    ):
        Postgres(tmp_path, 0)


@pytest.mark.parametrize("password", ["guessed", "line\n", "%&'\"\\"])
def test_start_wrong_password_is_reported(database_url: str, tmp_path: Path, password: str) -> None:
    server = Postgres(tmp_path, urlsplit(database_url).port or 0)
    server.password = password
    with pytest.raises(
        LocalError, match=rf"{tmp_path}/database-password does not contain the password of this database"
    ):
        server._accepts_connections()


def test_start_other_connection_error_is_reported(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Postgres, "url", f"{database_url}_of_nobody")
    with pytest.raises(
        LocalError, match=r"rejects the connection: database \"ecommerce_platform_of_nobody\" does not exist"
    ):
        Postgres(tmp_path, 0)._accepts_connections()


def test_start_unready_server_is_awaited(tmp_path: Path) -> None:
    assert not Postgres(tmp_path, 9)._accepts_connections()


class Server:
    """A process with the name `postgres` whose working directory is a data directory."""

    def __init__(self, data: Path, program: Path) -> None:
        data.mkdir(parents=True)
        self.started = int(time.time())
        self.process = subprocess.Popen([program, "600"], cwd=data)

    def write_pid_file(self, data: Path, *, started: int | None = None) -> Path:
        path = data / "postmaster.pid"
        path.write_text(f"{self.process.pid}\n{data}\n{started or self.started}\n5432\n\n127.0.0.1\n1 2\nready\n")
        return path


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    program = tmp_path / "postgres-program" / "postgres"
    program.parent.mkdir()
    shutil.copy("/bin/sleep", program)
    running_server = Server(tmp_path / "other" / "postgres", program)
    try:
        yield running_server
    finally:
        running_server.process.kill()
        running_server.process.wait()


def make_postgres(directory: Path) -> Postgres:
    """Return the PostgreSQL of a state directory with a data directory."""
    (directory / "postgres").mkdir(parents=True, exist_ok=True)
    return Postgres(directory, 0)


def test_stop_leftover_server_of_this_directory_is_stopped(server: Server, tmp_path: Path) -> None:
    postgres = make_postgres(tmp_path / "other")
    pid_file = server.write_pid_file(postgres.data)
    # `poll` reaps the process, since it is a child of this test.
    postgres._stop_leftover(lambda: (server.process.poll(), None)[1])
    assert server.process.wait() == -signal.SIGINT
    assert not pid_file.exists()


def test_stop_leftover_copied_pid_file_signals_no_process(server: Server, tmp_path: Path) -> None:
    server.write_pid_file(tmp_path / "other" / "postgres")
    shutil.copytree(tmp_path / "other", tmp_path / "copy")
    copy = make_postgres(tmp_path / "copy")
    copy._stop_leftover(lambda: None)
    assert server.process.poll() is None
    assert not (copy.data / "postmaster.pid").exists()
    assert (tmp_path / "other" / "postgres" / "postmaster.pid").exists()


def test_stop_leftover_pid_from_before_a_restart_signals_no_process(server: Server, tmp_path: Path) -> None:
    """After a restart of the machine the number belongs to another server, even one of the same directory."""
    postgres = make_postgres(tmp_path / "other")
    server.write_pid_file(postgres.data, started=server.started - 3600)
    postgres._stop_leftover(lambda: None)
    assert server.process.poll() is None


def test_stop_leftover_server_of_a_moved_directory_is_stopped(server: Server, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    (tmp_path / "other").rename(moved)
    assert _is_server(server.process.pid, server.started, moved / "postgres")
    assert not _is_server(os.getpid(), server.started, moved / "postgres")
    assert not _is_server(2**22 + 1, server.started, moved / "postgres")


@pytest.mark.parametrize("content", ["", "\n\n\n", "12", "x\ny\nz", "1\n/data\nyesterday\n"])
def test_stop_leftover_damaged_pid_file_is_removed(tmp_path: Path, content: str) -> None:
    state = make_postgres(tmp_path)
    (state.data / "postmaster.pid").write_text(content)
    state._stop_leftover(lambda: None)
    assert not (state.data / "postmaster.pid").exists()


def test_stop_leftover_without_proc_signals_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_pid: int) -> None:
        raise FileNotFoundError

    monkeypatch.setattr(postgres, "read_process_status", missing)
    assert not _is_server(os.getpid(), 0, tmp_path)


HEADERS = (
    "From: a@example.com\r\nDelivered-To: b@example.com\r\nDate: Sat, 21 Dec 2024 10:30:45 +0000\r\nSubject: S\r\n"
)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\r\n\r\n",
        f"{HEADERS}Content-Type: text/plain; charset=nonsense\r\n\r\ntext".encode(),
        f'{HEADERS}Content-Type: text/plain; charset="unicode\\0"\r\n\r\ntext'.encode(),
    ],
)
def test_read_emails_unreadable_email_is_marked(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "1.eml").write_bytes(f"{HEADERS}\r\ntext".encode())
    (tmp_path / "2.eml").write_bytes(content)
    first, second = read_emails(tmp_path)
    assert (first.subject, first.text) == ("S", "text")
    assert second.subject == "Unreadable e-mail"
    assert f"{tmp_path / '2.eml'} cannot be read as an e-mail" in second.text
    assert second.date.tzinfo is UTC
    assert read_email(tmp_path, "2.eml") == second


@pytest.mark.parametrize(
    "content",
    [
        b"\x00\xff\xfe not an e-mail",
        b"Subject: \xff\xfe\r\nDate: yesterday\r\n\r\n\xff\xfe",
        b"Date:\r\nSubject: =?utf-8?b?/w==?=\r\n\r\ntext",
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--y",
        f"{HEADERS}Content-Type: text/plain; charset=ascii\r\nContent-Transfer-Encoding: base64\r\n\r\n%%%".encode(),
    ],
)
def test_read_emails_undecodable_bytes_are_replaced(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "1.eml").write_bytes(content)
    (tmp_path / "2.eml").mkdir()
    for email in read_emails(tmp_path):
        "".join((email.subject, email.sender, email.text, *email.recipients)).encode()
        assert email.date.isoformat()
    assert len(read_emails(tmp_path)) == 2
