"""Program of the child process that parses files: `python -m onboarding.pipeline.parser_child`.

It reads requests from standard input and writes responses to standard output, each a length (8 bytes) and a pickle. A
request has an operation, its arguments, and the limits of processor time and memory.
"""

from __future__ import annotations

import gc
import os
import pickle
import resource
import select
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Collection, Sequence
from dataclasses import fields
from operator import attrgetter
from pathlib import Path
from typing import IO, Any, NoReturn

from onboarding.domain.mappings import MappingChoice
from onboarding.domain.models import FileRejection, Row
from onboarding.files.models import MappingNeeded, Table
from onboarding.files.parser import parse, parse_table
from onboarding.pipeline.parser_responses import dump_response

STARTED, REUSE, END = b"s", b"r", b"e"
"""Bytes before a response: the request was received; the parent may reuse this process, or should end it."""

MAX_IDLE_BYTES = 32 * 1024 * 1024
"""A process that uses more memory than this after a file is ended, which returns the memory to the system."""


def send(pipe: IO[bytes], data: bytes) -> None:
    """Write one message."""
    pipe.write(len(data).to_bytes(8, "big"))
    pipe.write(data)
    pipe.flush()


def receive(pipe: IO[bytes]) -> bytes:
    """Read one message. Raises EOFError if the other side has closed the pipe."""
    length = pipe.read(8)
    if len(length) < 8:
        raise EOFError
    data: bytes = pipe.read(int.from_bytes(length, "big"))
    if len(data) < int.from_bytes(length, "big"):
        raise EOFError
    return data


_get_values = attrgetter(*(field.name for field in fields(Row)))
"""Converts a row to a tuple: pickling it needs half the size and time of pickling the row."""


def _parse_rows(
    content: bytes, upload_id: str, vendor_id: str, required: Sequence[str], choice: MappingChoice
) -> object:
    try:
        result = parse(content, upload_id, vendor_id, required=required, choice=choice)
    except MappingNeeded as error:
        return str(error)
    if isinstance(result, FileRejection):
        return result
    rows = [_get_values(row) for row in result.rows]
    warnings, headers = list(result.warnings), result.headers
    return rows, result.file_details, warnings, result.mapping_reference, headers, result.corrected_rows


def _read_table(content: bytes, row_numbers: Collection[int], choice: MappingChoice) -> object:
    table = parse_table(content, choice)
    if isinstance(table, FileRejection):
        return table
    no_values: Sequence[str] = ()
    rows = [row if number in row_numbers else no_values for number, row in enumerate(table.rows, 1)]
    return Table(table.header, rows, table.lines)


OPERATIONS: dict[str, Callable[..., object]] = {"rows": _parse_rows, "table": _read_table}


def serve() -> None:
    """Serve requests from standard input until it is closed."""
    # The parent handles signals to the process group; this process ends when its input is closed.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Lower priority than processes that serve web requests.
    os.nice(5)
    requests, responses = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    # Redirect output of libraries to the log, so that it does not mix with the responses.
    os.dup2(2, 1)
    threading.Thread(target=_end_with_parent, args=(requests.fileno(),), daemon=True).start()
    # As in the parent: a request creates many objects and no reference cycles among them.
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)
    initial_memory = _measure_memory()
    while True:
        try:
            request = receive(requests)
        except EOFError:
            return
        responses.write(STARTED)
        responses.flush()
        operation, arguments, cpu_seconds, memory = pickle.loads(request)  # noqa: S301 - from our own parent  # nosec B301
        del request
        _limit_resources(cpu_seconds, initial_memory[0] + memory)
        response = _respond(operation, arguments)
        del arguments
        next_step = END if _measure_memory()[1] > initial_memory[1] + MAX_IDLE_BYTES else REUSE
        responses.write(next_step)
        send(responses, response)
        del response


def _respond(operation: str, arguments: Sequence[Any]) -> bytes:
    try:
        return dump_response(("response", OPERATIONS[operation](*arguments)))
    except (MemoryError, RecursionError):
        return dump_response(("memory", None))
    except Exception:  # noqa: BLE001 - raised in the parent
        return dump_response(("fault", traceback.format_exc()))


def _limit_resources(cpu_seconds: float, address_space: int) -> None:
    """Limit this process to `cpu_seconds` of processor time from now, and to `address_space` bytes."""
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time() + cpu_seconds) + 1, hard))
    if sys.platform == "linux":
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (address_space, hard))


def _measure_memory() -> tuple[int, int]:
    """Return the bytes of address space and of resident memory; zeros on systems without /proc."""
    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()
    except OSError:
        return 0, 0
    return int(pages[0]) * resource.getpagesize(), int(pages[1]) * resource.getpagesize()


def _end_with_parent(requests: int) -> NoReturn:
    """End this process when the parent closes its side, even during parsing."""
    poll = select.poll()
    poll.register(requests, 0)
    while not poll.poll():
        pass
    os._exit(0)


if __name__ == "__main__":
    serve()
