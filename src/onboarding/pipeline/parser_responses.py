"""Reader of the responses of a child process that parses files, which a malicious file may control."""

from __future__ import annotations

import pickle
from typing import Any

from onboarding.domain.error_codes import RejectionCode, WarningCode
from onboarding.domain.mappings import FileHeader, HeaderSource
from onboarding.domain.models import FileRejection, FileWarning
from onboarding.files.models import FileDetails, Table

_RESPONSE_TYPES = {
    (part.__module__, part.__name__): part
    for part in (
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


class ResponseUnpickler(pickle.Unpickler):
    """Unpickler for responses. It creates response types only, because a malicious file may control the child."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _RESPONSE_TYPES:
            raise pickle.UnpicklingError(f"{module}.{name} is not a response type")
        return _RESPONSE_TYPES[module, name]
