"""Unit tests start no process and open no connection."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator

import pytest


def _fail(*_: object, **__: object) -> None:
    raise AssertionError("a unit test starts no process and opens no connection: move it to tests/integration")


@pytest.fixture(autouse=True, scope="module")
def _isolated() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subprocess, "Popen", _fail)
        patch.setattr(socket.socket, "connect", _fail)
        yield
