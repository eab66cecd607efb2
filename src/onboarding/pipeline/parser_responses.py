"""Responses of a child process that parses files, as pickles that create no other types than theirs."""

from __future__ import annotations

import io
import pickle
from enum import Enum
from typing import Any

from onboarding.domain.error_codes import RejectionCode, WarningCode
from onboarding.domain.mappings import FileHeader, HeaderSource
from onboarding.domain.models import FileRejection, FileWarning
from onboarding.files.models import CorrectedRows, FileDetails, Table

_RESPONSE_TYPES = {
    (part.__module__, part.__name__): part
    for part in (
        CorrectedRows,
        FileDetails,
        FileHeader,
        FileRejection,
        FileWarning,
        HeaderSource,
        RejectionCode,
        Table,
        WarningCode,
    )
}


class _ResponsePickler(pickle.Pickler):
    """Pickler of responses. Members of enumerations are pickled by value: Python 3.11.2 would call `getattr`."""

    def reducer_override(self, obj: object) -> Any:
        return (type(obj), (obj.value,)) if isinstance(obj, Enum) else NotImplemented


def dump_response(response: object) -> bytes:
    """Return the pickle of a response."""
    buffer = io.BytesIO()
    _ResponsePickler(buffer, pickle.HIGHEST_PROTOCOL).dump(response)
    return buffer.getvalue()


class ResponseUnpickler(pickle.Unpickler):
    """Unpickler for responses. It creates response types only, because a malicious file may control the child."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _RESPONSE_TYPES:
            raise pickle.UnpicklingError(f"{module}.{name} is not a response type")
        return _RESPONSE_TYPES[module, name]
