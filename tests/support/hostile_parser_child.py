"""Parser child process that does what the content of a file says, as a hostile file could.

As a program (`python -m tests.support.hostile_parser_child`) it stands in for `onboarding.pipeline.parser_child`.
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


def _hostile(operation: str, content: bytes, *arguments: Any) -> object:
    order, _, detail = content.partition(b":")
    match order:
        case b"loop":
            while True:
                pass
        case b"memory":
            kept = []
            while True:
                kept.append(bytearray(10 << 20))
        case b"recursion":
            return _hostile(operation, content, *arguments)
        case b"killed":
            if _is_first(detail):
                os.kill(os.getpid(), signal.SIGKILL)
        case b"fault":
            raise RuntimeError("a bug of ours")
        case b"wait":
            while not Path(os.fsdecode(detail.strip())).exists():
                time.sleep(0.01)
        case b"environment":
            raise RuntimeError(" ".join(os.environ))
        case b"print":
            sys.stdout.write("this must not be taken for an answer\n")
            sys.stdout.flush()
    return _real[operation](content, *arguments)


def _is_first(name: bytes) -> bool:
    """Whether the file of this name is not there yet; it is then. True without a name."""
    if not name:
        return True
    path = Path(os.fsdecode(name))
    exists = path.exists()
    path.touch()
    return not exists


_real = dict(parser_child.OPERATIONS)


@contextmanager
def hostile_child(**limits: float) -> Iterator[None]:
    """Files are read by a child like this; `limits` replace those of `onboarding.pipeline.parser_process`."""
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
    parser_child.OPERATIONS.update({name: partial(_hostile, name) for name in _real})
    parser_child.serve()
