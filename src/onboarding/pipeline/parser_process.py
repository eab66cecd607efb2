"""Child processes that parse files, with limits on processor time and memory.

A file that needs more than the limits ends the child process; the parent gets `TooComplex` and goes on. Children are
started on first use, kept for the next file, and replaced after they were ended. A new interpreter is started instead
of a fork because the parent has threads; pipes are used instead of `multiprocessing` because AWS Lambda has no
`/dev/shm`. The child gets no credentials: its environment holds the search paths alone.
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

from onboarding.domain.error_codes import RejectionCode, WarningCode
from onboarding.domain.models import Row
from onboarding.domain.product_schema import REQUIRED
from onboarding.files.models import FileDetails, FileRejection, FileWarning, Table
from onboarding.pipeline.parser_child import END, STARTED, receive, send

CPU_SECONDS = 20
"""Processor time that reading one file may take; an honest file of the largest size needs less than half of it."""

WALL_SECONDS = 150
"""How long the parent waits for an answer: as long as `CPU_SECONDS` take on the smallest function, which has a seventh
of a processor."""

MEMORY_MB = 400
"""Memory that reading one file may take, on a machine that has enough."""

PARENT_MB = 110
"""Memory of a function that is left to the parent process."""

COMMAND = (sys.executable, "-P", "-m", "onboarding.pipeline.parser_child")

_INHERITED = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TZ")
_MB = 1024 * 1024


class TooComplex(Exception):
    """Reading the file took more processor time or memory than allowed, or ended the process that read it; the message
    says which."""


class ParserTimeout(Exception):
    """No answer came in time though the processor time was not used up: the machine is overloaded."""


class ParserFault(Exception):
    """An exception escaped from the reading code; the message is the child's traceback."""


class ParserUnavailable(Exception):
    """No child process can be started."""


@dataclass(frozen=True, slots=True)
class ParsedRows:
    """A file's rows, how it was read, and what is odd about it."""

    rows: list[Row]
    detected: FileDetails
    warnings: Sequence[FileWarning]


def parse_rows(
    content: bytes, upload_id: str, vendor_id: str, *, required: Sequence[str] = REQUIRED, seconds: float = WALL_SECONDS
) -> ParsedRows | FileRejection:
    """Return the rows of a file, or why it is refused; `onboarding.files.parser.parse` in a child process."""
    answer = _ask("rows", content, upload_id, vendor_id, required, seconds=seconds)
    if isinstance(answer, FileRejection):
        return answer
    rows, detected, warnings = answer
    return ParsedRows([Row(*values) for values in rows], detected, warnings)


def read_original_rows(content: bytes, row_numbers: Collection[int]) -> Table | FileRejection:
    """Return a file as its vendor wrote it, with these rows alone: the others are empty in the table's list."""
    answer: Table | FileRejection = _ask("table", content, frozenset(row_numbers), seconds=WALL_SECONDS)
    return answer


def ensure_child() -> None:
    """Make sure that a child process is ready. Raises ParserUnavailable."""
    _release(_acquire())


def memory_limit() -> int:
    """Return how many bytes reading a file may take in this process's surroundings."""
    size = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "")
    return min(MEMORY_MB, int(size) - PARENT_MB if size.isdigit() else MEMORY_MB) * _MB


# The parent's side


_IN_ANSWERS = {
    (part.__module__, part.__name__): part
    for part in (FileDetails, FileWarning, FileRejection, RejectionCode, Table, WarningCode)
}


class _Answer(pickle.Unpickler):
    """Reads an answer of a child that a file may have taken over: it makes the parts of answers and calls nothing."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _IN_ANSWERS:
            raise pickle.UnpicklingError(f"{module}.{name} is no part of an answer")
        return _IN_ANSWERS[module, name]


class _Died(Exception):
    """The child ended before it had taken the request."""


class _Killed(Exception):
    """The child was killed while it read a file, by the file's demand for memory or by chance."""


class _Child:
    """One child process and its pipes."""

    def __init__(self) -> None:
        paths = os.pathsep.join(str(Path(path).resolve()) for path in sys.path if path)
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        # An arena of memory for each thread would reserve much of the address space that the file may take.
        environment = {**inherited, "PYTHONPATH": paths, "MALLOC_ARENA_MAX": "1"}
        self.process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
        )

    def ask(self, request: bytes, seconds: float) -> Any:
        """Send a request and return the answer. The child is ended where an exception is raised."""
        overdue = threading.Event()

        def end() -> None:
            overdue.set()
            self.process.kill()

        timer = threading.Timer(seconds, end)
        timer.daemon = True
        timer.start()
        try:
            kind, answer = self._exchange(request)
        except (EOFError, _Died) as error:
            self.end()
            if overdue.is_set():
                raise ParserTimeout(f"no answer within {seconds:g} seconds") from None
            if isinstance(error, _Died):
                raise
            if self.process.returncode == -signal.SIGKILL:
                raise _Killed from None
            raise TooComplex(_cause(self.process.returncode)) from None
        except BaseException:
            self.end()
            raise
        finally:
            timer.cancel()
        if kind == END or overdue.is_set():
            self.end()
        return answer

    def _exchange(self, request: bytes) -> tuple[bytes, Any]:
        requests, answers = self.process.stdin, self.process.stdout
        assert requests is not None  # noqa: S101 - both are pipes
        assert answers is not None  # noqa: S101
        try:
            send(requests, request)
        except OSError as error:
            raise _Died from error
        if answers.read(1) != STARTED:
            raise _Died
        kind = answers.read(1)
        return kind, _Answer(io.BytesIO(receive(answers))).load()

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    def end(self) -> None:
        """End the process and wait for it, so that nothing of it is left."""
        self.process.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            # What was buffered for a process that is gone cannot be flushed.
            with suppress(OSError):
                if pipe is not None:
                    pipe.close()
        self.process.wait()


_idle: list[_Child] = []
_children: set[_Child] = set()


def _forget_children() -> None:
    """After a fork: the children belong to the process that started them."""
    _idle.clear()


os.register_at_fork(after_in_child=_forget_children)


@atexit.register
def close_children() -> None:
    """End every child process; the next file starts another."""
    _idle.clear()
    while _children:
        _children.pop().end()


def _acquire() -> _Child:
    with suppress(IndexError):
        while True:
            child = _idle.pop()
            if child.is_alive:
                return child
            _discard(child)
    try:
        child = _Child()
    except OSError as error:
        raise ParserUnavailable(f"no process could be started: {error}") from error
    _children.add(child)
    return child


def _release(child: _Child) -> None:
    if child.process.returncode is None:
        _idle.append(child)
    else:
        _discard(child)


def _discard(child: _Child) -> None:
    child.end()
    _children.discard(child)


def _ask(operation: str, *arguments: Any, seconds: float) -> Any:
    request = pickle.dumps((operation, arguments, CPU_SECONDS, memory_limit()), pickle.HIGHEST_PROTOCOL)
    deadline = time.monotonic() + seconds
    killed = False
    # A child may have been ended while it was idle, for lack of memory: that says nothing about the file.
    for _ in range(2):
        child = _acquire()
        try:
            kind, answer = child.ask(request, max(0.0, deadline - time.monotonic()))
        except _Died:
            continue
        except _Killed:
            # The kernel may have chosen it for what another process took. A second time it is the file.
            killed = True
            continue
        finally:
            _release(child)
        if kind == "answer":
            return answer
        if kind == "memory":
            raise TooComplex(f"it needs more than {memory_limit() // _MB} MB of memory")
        raise ParserFault(answer)
    if killed:
        raise TooComplex(_cause(-signal.SIGKILL))
    raise ParserUnavailable("the process ends before it takes a file")


def _cause(returncode: int) -> str:
    if returncode == -signal.SIGXCPU:
        return f"it needs more than {CPU_SECONDS} seconds of processor time"
    return f"it ended the process that read it, with {returncode}"
