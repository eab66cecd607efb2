"""Failpoints: named points in the code, each after an effect that cannot be reverted.

They do nothing in production. The fault tests install a listener that raises or ends the process at a point, to show
that the retry completes the work.
"""

from __future__ import annotations

from collections.abc import Callable

_listener: Callable[[str], None] | None = None


def failpoint(point: str) -> None:
    """Notify the listener that the effect named `point`, such as `validate.committed`, has happened."""
    if _listener is not None:
        _listener(point)


def listen(listener: Callable[[str], None] | None) -> None:
    """Call `listener` at every failpoint; None removes it."""
    global _listener  # noqa: PLW0603 - a process has one listener
    _listener = listener
