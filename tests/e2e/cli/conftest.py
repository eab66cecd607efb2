"""Fixture that runs commands on the local stack shared by the tests."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from onboarding.cli.main import main
from onboarding.local.stack import LocalStack

Captured = pytest.CaptureFixture[str]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(local_stack: LocalStack, capsys: Captured) -> Run:
    """Return a function that runs a command and returns its exit code, stdout and stderr."""

    def run_command(*arguments: str) -> tuple[int, str, str]:
        code = main([*arguments, "--state", str(local_stack.state)])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run_command
