"""Parser child process that obeys commands in the content of a file, to simulate hostile files.

As a program (`python -m tests.support.hostile_parser_child`) it replaces `onboarding.pipeline.parser_child`.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from onboarding.pipeline import parser_child, parser_process


def _run_command(operation: str, content: bytes, *arguments: Any) -> object:
    command, _, argument = content.partition(b":")
    match command:
        case b"loop":
            while True:
                pass
        case b"memory":
            blocks = []
            while True:
                blocks.append(bytearray(10 << 20))
        case b"recursion":
            return _run_command(operation, content, *arguments)
        case b"killed":
            if _is_first_call(argument):
                os.kill(os.getpid(), signal.SIGKILL)
        case b"fault":
            raise RuntimeError("a bug in the parser")
        case b"wait":
            while not Path(os.fsdecode(argument.strip())).exists():
                time.sleep(0.01)
        case b"environment":
            raise RuntimeError(" ".join(os.environ))
        case b"print":
            sys.stdout.write("this is not a response\n")
            sys.stdout.flush()
    return _operations[operation](content, *arguments)


def _is_first_call(name: bytes) -> bool:
    """Create the file and return whether it did not exist; without a name return true."""
    if not name:
        return True
    path = Path(os.fsdecode(name))
    exists = path.exists()
    path.touch()
    return not exists


_operations = dict(parser_child.OPERATIONS)


@contextmanager
def hostile_child(**limits: float) -> Iterator[None]:
    """Parse files in a hostile child; `limits` replace constants of `onboarding.pipeline.parser_process`."""
    parser_process.close_children()
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(parser_process, "COMMAND", (sys.executable, "-P", "-m", __name__))
            for name, value in limits.items():
                patch.setattr(parser_process, name, value)
            yield
    finally:
        parser_process.close_children()


if __name__ == "__main__":
    parser_child.OPERATIONS.update({name: partial(_run_command, name) for name in _operations})
    parser_child.serve()
