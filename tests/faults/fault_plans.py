"""Faults for each injection point, and controls that inject them."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from tests.faults.aws_in_memory import make_client_error
from tests.faults.client_doubles import PARTIAL
from tests.faults.lambda_runtime import Call, Crash, InjectionPoint

CLIENTS = ("s3.", "dynamodb.", "sqs.", "sns.", "ses.")

COLD = ("before connect", "before secretsmanager.get_secret_value")
"""Injection points that only a new container reaches."""

SIMPLE = ("crash", "exception")
"""Faults that are possible at every injection point."""


def faults_at(point: InjectionPoint) -> Sequence[str]:
    """Return the faults that are possible at an injection point, besides those of delivery."""
    when, name = point.split(" ", 1)
    if name.startswith(CLIENTS):
        if when == "after":
            return ("crash", "response lost")
        return ("crash", "exception", "unreachable", *(["partial"] if name in PARTIAL else []))
    if name.startswith("sql.") or name == "commit":
        full = ["disk full", "read only"] if when == "before" and name.startswith("sql.") else []
        return ("crash", "exception", "connection cut", *full) if name != "commit" else ("crash", "connection cut")
    return SIMPLE


def inject_fault(call: Call, point: InjectionPoint, fault: str) -> str | None:
    """Inject a fault into a call."""
    call.faults.append(f"{fault} {point}")
    container = call.container
    assert container is not None
    service, _, operation = point.split(" ", 1)[1].partition(".")
    match fault:
        case "crash":
            container.kill()
            raise Crash
        case "exception" if point.startswith("before ") and f"{service}." in CLIENTS:
            raise make_client_error(service, operation, "ThrottlingException")
        case "exception":
            raise RuntimeError(f"injected {point}")
        case "unreachable":
            raise EndpointConnectionError(endpoint_url=f"http://{service}")
        case "response lost":
            raise ReadTimeoutError(endpoint_url=f"http://{service}")
        case "connection cut":
            container.cut()
        case "disk full":
            raise psycopg.errors.DiskFull("could not extend file: No space left on device")
        case "read only":
            raise psycopg.errors.ReadOnlySqlTransaction("cannot execute in a read-only transaction")
        case "partial":
            return "partial"
        case _:
            raise AssertionError(f"unknown fault {fault}")
    return None


class SingleFault:
    """Control that injects one fault, the `nth` time that the function reaches the injection point."""

    def __init__(self, function: str, point: InjectionPoint, nth: int, fault: str) -> None:
        self.function = function
        self.point = point
        self.nth = nth
        self.fault = fault
        self.injected = False
        self._seen = 0

    def __call__(self, call: Call, point: InjectionPoint) -> str | None:
        if self.due(call, point):
            return inject_fault(call, point, self.fault)
        return None

    def due(self, call: Call, point: InjectionPoint) -> bool:
        """Return whether the fault is due now; it is due once."""
        if self.injected or call.function != self.function or point != self.point:
            return False
        self._seen += 1
        self.injected = self._seen == self.nth
        return self.injected
