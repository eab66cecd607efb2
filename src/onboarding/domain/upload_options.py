"""What an upload asks for: its mode, what an invalid row means to the others, and whether a repetition is meant.

It stands in the object's metadata (`mode`, `on-error`, `force`), so it comes with the file and stays with it. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from onboarding.domain.error_codes import RejectionCode
from onboarding.domain.models import FileRejection, Mode, OnError

Choice = TypeVar("Choice", bound=StrEnum)

_FORCE = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Options:
    """The wishes of an upload; the defaults are those of a file without any."""

    mode: Mode = Mode.CREATE
    on_error: OnError = OnError.REJECT_ROWS
    force: bool = False

    def metadata(self) -> dict[str, str]:
        """The object metadata that says so; nothing for the defaults."""
        said = {}
        if self.mode is not Mode.CREATE:
            said["mode"] = self.mode.value
        if self.on_error is not OnError.REJECT_ROWS:
            said["on-error"] = self.on_error.value
        if self.force:
            said["force"] = "true"
        return said


def parse_upload_options(metadata: Mapping[str, str]) -> Options | FileRejection:
    """The wishes in an object's metadata, or why they cannot be followed. Other metadata is none of ours."""
    given = {name.lower(): value.strip().lower() for name, value in metadata.items()}
    mode = _chosen(given, "mode", Mode.CREATE)
    on_error = _chosen(given, "on-error", OnError.REJECT_ROWS)
    if isinstance(mode, FileRejection):
        return mode
    if isinstance(on_error, FileRejection):
        return on_error
    force = given.get("force", "false")
    if force not in _FORCE:
        return _unknown("force", force, list(_FORCE))
    return Options(mode, on_error, _FORCE[force])


def _chosen(given: Mapping[str, str], name: str, default: Choice) -> Choice | FileRejection:
    kind = type(default)
    text = given.get(name, default.value)
    try:
        return kind(text)
    except ValueError:
        return _unknown(name, text, [choice.value for choice in kind])


def _unknown(name: str, text: str, choices: list[str]) -> FileRejection:
    return FileRejection(
        RejectionCode.INVALID_OPTION, f"The upload's {name} is '{text[:100]}'; it must be {' or '.join(choices)}"
    )
