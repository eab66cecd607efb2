"""Child processes of the local stack: environment, end with the parent, status, and ports."""

from __future__ import annotations

import contextlib
import ctypes
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onboarding.local.state_files import write_atomically

HOST = "127.0.0.1"

PR_SET_PDEATHSIG = 1

INHERITED_VARIABLES = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "VIRTUAL_ENV",
    "PYTHONPATH",
    "LD_LIBRARY_PATH",
)
"""The environment variables that children inherit. Others (AWS_*, proxies, PG*, LOG_LEVEL) change their behaviour."""


class LocalError(Exception):
    """The local stack cannot start or continue; the message has the reason."""


Check = Callable[[], None]
"""Is called while waiting; raises an exception to stop waiting."""


def make_child_environment() -> dict[str, str]:
    """Return the part of the environment that child processes inherit."""
    variables = {name: os.environ[name] for name in INHERITED_VARIABLES if name in os.environ}
    if "PYTHONPATH" in variables:  # children have another working directory
        parts = variables["PYTHONPATH"].split(os.pathsep)
        variables["PYTHONPATH"] = os.pathsep.join(str(Path(part).resolve()) for part in parts)
    return variables


def make_parent_death_hook(number: signal.Signals) -> Callable[[], None] | None:
    """Return a `preexec_fn` with which the kernel signals the child when this process ends; None if not on Linux.

    The kernel signals when the thread ends that started the child, so start it from the main thread.
    """
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def request_signal() -> None:
        prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        if os.getppid() != parent:  # The parent ended before the request.
            os._exit(1)

    return request_signal


def stop_process(process: subprocess.Popen[bytes], *signals: signal.Signals, seconds: float) -> None:
    """Stop a process: send each signal in turn, `seconds` apart, then kill it."""
    for number in signals:
        if process.poll() is not None:
            return
        process.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
    if process.poll() is None:
        process.kill()
        process.wait()


@dataclass(frozen=True, slots=True)
class ProcessStatus:
    """Status of a process in /proc; `started` is a Unix time in seconds."""

    name: str
    state: str
    started: float


def read_process_status(pid: int) -> ProcessStatus:
    """Return the status of a process. Raises FileNotFoundError if there is none, or no /proc."""
    name, rest = Path(f"/proc/{pid}/stat").read_text().split("(", 1)[1].rsplit(")", 1)
    fields = rest.split()
    [boot_time] = re.findall(r"^btime (\d+)$", Path("/proc/stat").read_text(), re.MULTILINE)
    return ProcessStatus(name, fields[0], int(boot_time) + int(fields[19]) / os.sysconf("SC_CLK_TCK"))


def pause(check: Check) -> None:
    """Call `check`, then wait 10 ms."""
    check()
    time.sleep(0.01)


def is_responding(port: int, path: str) -> bool:
    """Return whether a server on the loopback address responds to a request for `path` with the status 200."""
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def read_log_tail(path: Path, lines: int = 8) -> str:
    """Return the last lines of a log, for an error message."""
    text = path.read_text(errors="replace") if path.exists() else ""
    return "\n".join(text.splitlines()[-lines:])


def read_json_object(path: Path, is_valid: Callable[[dict[str, Any]], bool], remedy: str) -> dict[str, Any]:
    """Return the JSON object in a file, or an empty one if the file does not exist.

    Raises LocalError with the path and `remedy` if the content is not a JSON object or not valid.
    """
    try:
        values = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except ValueError:
        values = None
    if not isinstance(values, dict) or not is_valid(values):
        raise LocalError(f"{path} is damaged; {remedy}")
    return values


def is_port_free(port: int) -> bool:
    """Return whether a server can listen on this port of the loopback address."""
    with socket.socket() as probe:
        # As servers do: otherwise closed connections of the last run would occupy the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def _are_ports(values: dict[str, Any]) -> bool:
    return all(type(port) is int and 0 < port < 65536 for port in values.values())


class Ports:
    """Port numbers, stored in a file so that a restart uses the same ones."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stored: dict[str, int] = read_json_object(path, _are_ports, "delete it, and new ports are chosen")

    def choose(self, name: str, required: int | None = None) -> int:
        """Return the required port, or the stored one if it is free, or any free one, and store it.

        Raises LocalError if the required port is in use.
        """
        if required is not None and not is_port_free(required):
            raise LocalError(f"port {required} on {HOST} is in use; choose another one, or none to get a free one")
        port = required or self._stored.get(name)
        if port is None or not is_port_free(port):
            port = self._find_free()
        if self._stored.get(name) != port:
            self._stored[name] = port
            write_atomically(self._path, json.dumps(self._stored))
        return port

    def _find_free(self) -> int:
        while True:
            with socket.create_server((HOST, 0)) as probe:
                port: int = probe.getsockname()[1]
            if port not in self._stored.values():
                return port
