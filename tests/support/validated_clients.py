"""Doubles of boto3 clients that accept only valid parameters of AWS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore import xform_name
from botocore.exceptions import ParamValidationError
from botocore.session import get_session
from botocore.validate import ParamValidator

MakeClient = Callable[[str], Any]


def validated(client: MakeClient) -> MakeClient:
    """Return a factory of the same doubles whose calls are validated as botocore validates those of its clients."""
    return lambda service: _Validated(service, client(service))


class _Validated:
    def __init__(self, service: str, double: Any) -> None:
        self._double = double
        self._model = get_session().get_service_model(service)
        self._operations = {xform_name(name): name for name in self._model.operation_names}

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._double, name)
        return self._validate_calls(name, attribute) if name in self._operations else attribute

    def get_paginator(self, name: str) -> Any:
        return _Pages(self._validate_calls(name, self._double.get_paginator(name).paginate))

    def _validate_calls(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def checked(*, PaginationConfig: Any = None, **parameters: Any) -> Any:  # noqa: N803
            shape = self._model.operation_model(self._operations[name]).input_shape
            if shape is not None:
                report = ParamValidator().validate(parameters, shape)
                if report.has_errors():
                    raise ParamValidationError(report=report.generate_report())
            return call(**parameters)

        return checked


class _Pages:
    def __init__(self, paginate: Callable[..., Any]) -> None:
        self.paginate = paginate
