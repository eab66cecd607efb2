"""Names for the moments after which something has happened that cannot be taken back.

A step says that it passed one; nothing listens in production. The fault tests listen, and end the process there or
raise, to show that whatever was left undone is done by the retry.
"""

from __future__ import annotations

from collections.abc import Callable

_listener: Callable[[str], None] | None = None


def failpoint(point: str) -> None:
    """Say that the effect named `point`, such as `validate.committed`, has happened."""
    if _listener is not None:
        _listener(point)


def listen(listener: Callable[[str], None] | None) -> None:
    """Hear of every point from now on; None ends it."""
    global _listener  # noqa: PLW0603 - one listener for the process is the whole idea
    _listener = listener
