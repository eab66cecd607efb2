"""Files of the state directory: written atomically, readable only by their owner."""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def write_atomically(path: Path, content: bytes | str) -> None:
    """Write a file with mode 0600 so that readers see either its old or its new content."""
    data = content.encode() if isinstance(content, str) else content
    # mkstemp creates files with mode 0600. Readers of the directory ignore names that begin with a dot.
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            # A power failure must not leave an empty file at `path`.
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)  # noqa: PTH105 - the temporary name is a string already
    except BaseException:
        os.unlink(temporary)  # noqa: PTH108
        raise


def private_directory(path: Path) -> Path:
    """Return the directory `path`, after creating it with mode 0700 if it does not exist."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path
