"""Child processes that never outlive us, and the ports they listen on."""

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

# What a child may know of our environment: where programs and this package are, and the language. Everything else (AWS
# settings, proxies, PG*, LOG_LEVEL) would change what it does.
KEPT_VARIABLES = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "VIRTUAL_ENV", "PYTHONPATH", "LD_LIBRARY_PATH")


class LocalError(Exception):
    """The local engine cannot start or go on; the message says why, for whoever started it."""


Check = Callable[[], None]
"""Called while waiting; raises to give up."""


def clean_environment() -> dict[str, str]:
    """The part of our environment that children get."""
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    if "PYTHONPATH" in kept:  # children have another working directory
        kept["PYTHONPATH"] = os.pathsep.join(str(Path(part).resolve()) for part in kept["PYTHONPATH"].split(os.pathsep))
    return kept


def die_with_parent(number: signal.Signals) -> Callable[[], None] | None:
    """A `preexec_fn` that makes the kernel send `number` to the child when we die, even by SIGKILL. Linux only.

    The kernel watches the thread that started the child, so that must be one which lasts: the main thread.
    """
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def ask() -> None:
        prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        if os.getppid() != parent:  # it died before we asked
            os._exit(1)

    return ask


def stop_process(process: subprocess.Popen[bytes], *signals: signal.Signals, seconds: float) -> None:
    """Ask with each signal in turn, `seconds` apart, then kill; returns once the process is gone."""
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
    """A process as /proc shows it; `started` is in seconds since 1970."""

    name: str
    state: str
    started: float


def process_status(pid: int) -> ProcessStatus:
    """Return the status of a process. Raises FileNotFoundError if there is none, or no /proc."""
    name, rest = Path(f"/proc/{pid}/stat").read_text().split("(", 1)[1].rsplit(")", 1)
    fields = rest.split()
    [booted] = re.findall(r"^btime (\d+)$", Path("/proc/stat").read_text(), re.MULTILINE)
    return ProcessStatus(name, fields[0], int(booted) + int(fields[19]) / os.sysconf("SC_CLK_TCK"))


def pause(check: Check) -> None:
    """Let a little time pass in a loop that waits for something."""
    check()
    time.sleep(0.01)


def answers(port: int, path: str) -> bool:
    """Whether a server on the loopback address has an answer for `path`."""
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def log_tail(path: Path, lines: int = 8) -> str:
    """The last lines of a log, to be shown with an error."""
    text = path.read_text(errors="replace") if path.exists() else ""
    return "\n".join(text.splitlines()[-lines:])


def read_json_object(path: Path, is_valid: Callable[[dict[str, Any]], bool], remedy: str) -> dict[str, Any]:
    """Return the JSON object in `path`, or an empty one if there is no such file.

    Raises LocalError, which names the file and the remedy, if it holds anything else or is not valid.
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


def port_is_free(port: int) -> bool:
    """Whether nothing listens on the port of the loopback address."""
    with socket.socket() as probe:
        # As servers do: connections that linger from the last run are no obstacle.
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
    """Port numbers kept in the state directory, so that a restart answers where it answered before."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept: dict[str, int] = read_json_object(path, _are_ports, "delete it: the ports are chosen again")

    def choose(self, name: str, wanted: int | None = None) -> int:
        """The wanted port, or the kept one if it is free, or any free one; kept from now on.

        Raises LocalError if the wanted one is taken.
        """
        if wanted is not None and not port_is_free(wanted):
            raise LocalError(f"port {wanted} on {HOST} is taken; choose another one, or none to get a free one")
        port = wanted or self._kept.get(name)
        if port is None or not port_is_free(port):
            port = self._any_free()
        if self._kept.get(name) != port:
            self._kept[name] = port
            write_atomically(self._path, json.dumps(self._kept))
        return port

    def _any_free(self) -> int:
        while True:
            with socket.create_server((HOST, 0)) as probe:
                port: int = probe.getsockname()[1]
            if port not in self._kept.values():
                return port
