"""Files of the state directory: written whole or not at all, readable by their owner alone."""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def write_atomically(path: Path, content: bytes | str) -> None:
    """Put `content` at `path` so that a reader sees the old file or the new one; mode 0600."""
    data = content.encode() if isinstance(content, str) else content
    # mkstemp's files are 0600, and a name that begins with a dot is not taken for the real thing.
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            # A power cut must not leave an empty file under the name.
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)  # noqa: PTH105 - the temporary name is a string already
    except BaseException:
        os.unlink(temporary)  # noqa: PTH108
        raise


def private_directory(path: Path) -> Path:
    """Make `path` a directory, its owner's alone if it is new, and return it."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path
