"""Options of an upload, stored in the metadata of its S3 object: `mode`, `on-error`, `force` and `mapping`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar
from urllib.parse import quote, unquote

from onboarding.domain.error_codes import RejectionCode
from onboarding.domain.models import FileRejection, Mode, OnError

Choice = TypeVar("Choice", bound=StrEnum)

_FORCE = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Options:
    """Options of an upload; the defaults apply to objects without metadata.

    `force`: accept content that was uploaded within the last 24 hours. `mapping`: name, id or reference of a mapping,
    or `NO_MAPPING`; None: the mapping that is remembered for the headers of the file.
    """

    mode: Mode = Mode.CREATE
    on_error: OnError = OnError.REJECT_ROWS
    force: bool = False
    mapping: str | None = None

    def metadata(self) -> dict[str, str]:
        """Return the object metadata of the options; options with the default value are left out."""
        metadata = {}
        if self.mode is not Mode.CREATE:
            metadata["mode"] = self.mode.value
        if self.on_error is not OnError.REJECT_ROWS:
            metadata["on-error"] = self.on_error.value
        if self.force:
            metadata["force"] = "true"
        if self.mapping is not None:
            metadata["mapping"] = quote(self.mapping, safe=" /")
        return metadata


def parse_upload_options(metadata: Mapping[str, str]) -> Options | FileRejection:
    """Return the options in an object's metadata, or the rejection of an invalid value. Other metadata is ignored."""
    texts = {name.lower(): value.strip() for name, value in metadata.items()}
    values = {name: text.lower() for name, text in texts.items()}
    mode = _parse_choice(values, "mode", Mode.CREATE)
    on_error = _parse_choice(values, "on-error", OnError.REJECT_ROWS)
    if isinstance(mode, FileRejection):
        return mode
    if isinstance(on_error, FileRejection):
        return on_error
    force = values.get("force", "false")
    if force not in _FORCE:
        return _reject("force", force, list(_FORCE))
    # S3 accepts only ASCII in metadata: other characters of a name are percent-encoded.
    return Options(mode, on_error, _FORCE[force], unquote(texts.get("mapping", "")).strip() or None)


def _parse_choice(values: Mapping[str, str], name: str, default: Choice) -> Choice | FileRejection:
    enum = type(default)
    text = values.get(name, default.value)
    try:
        return enum(text)
    except ValueError:
        return _reject(name, text, [choice.value for choice in enum])


def _reject(name: str, text: str, choices: list[str]) -> FileRejection:
    return FileRejection(
        RejectionCode.INVALID_OPTION, f"The upload's {name} is '{text[:100]}'; it must be {' or '.join(choices)}"
    )
