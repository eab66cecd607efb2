"""Child processes that parse files, with limits on processor time and memory.

A file that exceeds the limits ends the child process; the parent raises `TooComplex` and continues. Children are
started on first use, reused for the next file, and replaced after they end. They are new interpreters and not forks,
because the parent has threads; they use pipes and not `multiprocessing`, because AWS Lambda has no `/dev/shm`. A child
has no credentials: its environment has only search paths and locale.
"""

from __future__ import annotations

import atexit
import io
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onboarding.domain.mappings import NO_CHOICE, FileHeader, MappingChoice
from onboarding.domain.models import FileRejection, FileWarning, Row
from onboarding.domain.product_schema import REQUIRED
from onboarding.files.models import CorrectedRows, FileDetails, MappingNeeded, Table
from onboarding.pipeline.parser_child import END, STARTED, receive, send
from onboarding.pipeline.parser_responses import ResponseUnpickler

CPU_SECONDS = 20
"""Processor time limit for parsing one file; a regular file of the maximum size needs less than half of it."""

WALL_SECONDS = 150
"""How long the parent waits for a response: `CPU_SECONDS` on the smallest function, which has a seventh of a
processor."""

MEMORY_MB = 400
"""Memory limit for parsing one file, unless the function has less."""

PARENT_MB = 110
"""Memory of a function that is reserved for the parent process."""

COMMAND = (sys.executable, "-P", "-m", "onboarding.pipeline.parser_child")

_INHERITED = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TZ")
_MB = 1024 * 1024


class TooComplex(Exception):
    """Parsing exceeded a limit or ended the child process; the message states which."""


class ParserTimeout(Exception):
    """The child did not respond in time, although its processor time was not exhausted: the machine is overloaded."""


class ParserError(Exception):
    """The parsing code raised an exception; the message is the child's traceback."""


class ParserUnavailable(Exception):
    """No child process can be started."""


@dataclass(frozen=True, slots=True)
class ParsedRows:
    """Rows, file details and warnings of a file, the mapping that was applied (blank: none), and all headers.

    `corrected_rows` are the rows of an earlier upload that a fix file corrects.
    """

    rows: list[Row]
    file_details: FileDetails
    warnings: Sequence[FileWarning]
    mapping_reference: str = ""
    headers: Sequence[FileHeader] = ()
    corrected_rows: CorrectedRows | None = None


def parse_rows(
    content: bytes,
    upload_id: str,
    vendor_id: str,
    *,
    required: Sequence[str] = REQUIRED,
    choice: MappingChoice = NO_CHOICE,
    seconds: float = WALL_SECONDS,
) -> ParsedRows | FileRejection:
    """Return the rows of a file or its rejection: `onboarding.files.parser.parse`, run in a child process.

    `seconds` limits the wait for a child and its response. Raises MappingNeeded, TooComplex, ParserTimeout, ParserError
    and ParserUnavailable.
    """
    response = _send_request("rows", content, upload_id, vendor_id, required, choice, seconds=seconds)
    if isinstance(response, str):
        raise MappingNeeded(response)
    if isinstance(response, FileRejection):
        return response
    rows, *others = response
    return ParsedRows([Row(*values) for values in rows], *others)


def read_original_rows(
    content: bytes, row_numbers: Collection[int], choice: MappingChoice = NO_CHOICE
) -> Table | FileRejection:
    """Return a file's table as the vendor wrote it, with the cells of these rows only; the other rows are empty.

    Raises the exceptions of `parse_rows`.
    """
    rows = frozenset(row_numbers)
    response: Table | FileRejection = _send_request("table", content, rows, choice, seconds=WALL_SECONDS)
    return response


def ensure_child() -> None:
    """Start a child process unless one is idle. Raises ParserUnavailable."""
    _release_child(_acquire_child())


def memory_limit() -> int:
    """Return the memory limit for parsing a file, in bytes."""
    size = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "")
    return min(MEMORY_MB, int(size) - PARENT_MB if size.isdigit() else MEMORY_MB) * _MB


class _Died(Exception):
    """The child ended before it received the request."""


class _Killed(Exception):
    """The child was killed during parsing; the file or another process may be the cause."""


class _Child:
    """One child process and its pipes."""

    def __init__(self) -> None:
        paths = os.pathsep.join(str(Path(path).resolve()) for path in sys.path if path)
        inherited_variables = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        # One memory arena: an arena for each thread would use up much of the address space limit.
        environment = {**inherited_variables, "PYTHONPATH": paths, "MALLOC_ARENA_MAX": "1"}
        self.process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
        )

    def request(self, request: bytes, seconds: float) -> Any:
        """Send a request and return the response. After any exception the child has ended."""
        is_overdue = threading.Event()

        def kill_overdue() -> None:
            is_overdue.set()
            self.process.kill()

        timer = threading.Timer(seconds, kill_overdue)
        timer.daemon = True
        timer.start()
        try:
            kind, response = self._exchange_messages(request)
        except (EOFError, _Died) as error:
            self.end()
            if is_overdue.is_set():
                raise ParserTimeout(f"no response within {seconds:g} seconds") from None
            if isinstance(error, _Died):
                raise
            if self.process.returncode == -signal.SIGKILL:
                raise _Killed from None
            raise TooComplex(_describe_end(self.process.returncode)) from None
        except BaseException:
            self.end()
            raise
        finally:
            timer.cancel()
        if kind == END or is_overdue.is_set():
            self.end()
        return response

    def _exchange_messages(self, request: bytes) -> tuple[bytes, Any]:
        requests, responses = self.process.stdin, self.process.stdout
        assert requests is not None  # noqa: S101 - both are pipes
        assert responses is not None  # noqa: S101
        try:
            send(requests, request)
        except OSError as error:
            raise _Died from error
        if responses.read(1) != STARTED:
            raise _Died
        kind = responses.read(1)
        return kind, ResponseUnpickler(io.BytesIO(receive(responses))).load()

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    def end(self) -> None:
        """End the process and wait for it."""
        self.process.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            # Data that is buffered for an ended process cannot be flushed.
            with suppress(OSError):
                if pipe is not None:
                    pipe.close()
        self.process.wait()


_idle: list[_Child] = []
_children: set[_Child] = set()


def _forget_children() -> None:
    """Clear the lists after a fork: the children belong to the parent process."""
    _idle.clear()


os.register_at_fork(after_in_child=_forget_children)


@atexit.register
def close_children() -> None:
    """End all child processes; the next file starts a new one."""
    _idle.clear()
    while _children:
        _children.pop().end()


def _acquire_child() -> _Child:
    with suppress(IndexError):
        while True:
            child = _idle.pop()
            if child.is_alive:
                return child
            _discard_child(child)
    try:
        child = _Child()
    except OSError as error:
        raise ParserUnavailable(f"no process could be started: {error}") from error
    _children.add(child)
    return child


def _release_child(child: _Child) -> None:
    if child.process.returncode is None:
        _idle.append(child)
    else:
        _discard_child(child)


def _discard_child(child: _Child) -> None:
    child.end()
    _children.discard(child)


def _send_request(operation: str, *arguments: Any, seconds: float) -> Any:
    request = pickle.dumps((operation, arguments, CPU_SECONDS, memory_limit()), pickle.HIGHEST_PROTOCOL)
    deadline = time.monotonic() + seconds
    was_killed = False
    # The system may have killed an idle child for lack of memory, independently of the file: try once more.
    for _ in range(2):
        child = _acquire_child()
        try:
            kind, response = child.request(request, max(0.0, deadline - time.monotonic()))
        except _Died:
            continue
        except _Killed:
            # The first kill may be due to another process; the second is attributed to the file.
            was_killed = True
            continue
        finally:
            _release_child(child)
        if kind == "response":
            return response
        if kind == "memory":
            raise TooComplex(f"it needs more than {memory_limit() // _MB} MB of memory")
        raise ParserError(response)
    if was_killed:
        raise TooComplex(_describe_end(-signal.SIGKILL))
    raise ParserUnavailable("the process ends before it receives a file")


def _describe_end(returncode: int) -> str:
    """Return why a child ended, for the message of TooComplex."""
    if returncode == -signal.SIGXCPU:
        return f"it needs more than {CPU_SECONDS} seconds of processor time"
    return f"it ended the process that read it, with {returncode}"
