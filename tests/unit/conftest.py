"""Unit tests start no process and open no connection."""

from __future__ import annotations

import socket
import subprocess

import pytest


def _fail(*_: object, **__: object) -> None:
    raise AssertionError("a unit test starts no process and opens no connection: move it to tests/integration")


@pytest.fixture(autouse=True)
def _isolated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "Popen", _fail)
    monkeypatch.setattr(socket.socket, "connect", _fail)
