"""Doubles of boto3 clients, with two injection points for every call."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from tests.faults.aws_in_memory import exceptions_of, get_published_subject

if TYPE_CHECKING:
    from tests.faults.lambda_runtime import Container

PARTIAL = {"dynamodb.batch_write_item": ("RequestItems", "UploadRecords"), "sqs.send_message_batch": ("Entries", None)}
"""Calls that the service may accept in part, with the parameter that has the entries."""


class Client:
    """Double of a boto3 client: every call is two injection points with the service's response between them."""

    def __init__(self, service: str, container: Container) -> None:
        self._service = service
        self._container = container
        self.exceptions = exceptions_of(service)

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**parameters: Any) -> Any:
            point = f"{self._service}.{operation}"
            aws = self._container.runtime.aws
            is_partial = self._container.reach(f"before {point}") == "partial"
            unprocessed = self._remove_part(point, parameters) if is_partial else {}
            with aws.lock:
                response = getattr(aws, f"{self._service}_{operation}")(**parameters)
            if point == "sns.publish":
                self._container.published.append(get_published_subject(parameters["Message"]))
            self._container.reach(f"after {point}")
            return response | unprocessed

        return call

    def get_paginator(self, operation: str) -> Any:
        return _OnePage(getattr(self, operation))

    @staticmethod
    def _remove_part(point: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """Remove the second half of the entries from the parameters; return the part of the response about them."""
        name, table = PARTIAL[point]
        entries = parameters[name][table] if table else parameters[name]
        half = max(1, len(entries) // 2)
        accepted, removed = entries[:half], entries[half:]
        parameters[name] = {table: accepted} if table else accepted
        if table:
            return {"UnprocessedItems": {table: removed} if removed else {}}
        return {"Failed": [{"Id": entry["Id"], "Code": "InternalError", "SenderFault": False} for entry in removed]}


class Lambdas:
    """Double of the Lambda client: the function runs immediately, without faults."""

    def __init__(self, container: Container) -> None:
        self._container = container

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803
        function, event = FunctionName.replace("-", "_"), json.loads(Payload)
        try:
            result, _ = self._container.runtime.call(function, event, lambda *_: None)
        except Exception as error:  # noqa: BLE001 - Lambda responds with it
            body = {"errorType": type(error).__name__, "errorMessage": str(error)}
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(json.dumps(body).encode())}
        return {"Payload": io.BytesIO(json.dumps(result).encode())}


class _OnePage:
    def __init__(self, operation: Callable[..., Any]) -> None:
        self._operation = operation

    def paginate(self, *, PaginationConfig: Any = None, **parameters: Any) -> Iterator[Any]:  # noqa: N803
        yield self._operation(**parameters)
