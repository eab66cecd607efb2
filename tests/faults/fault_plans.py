"""What can befall a call at a place, and controls that let it happen at the right moment."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from tests.faults.aws_in_memory import refused
from tests.faults.client_doubles import PARTIAL
from tests.faults.lambda_runtime import Call, Crash, Place

CLIENTS = ("s3.", "dynamodb.", "sqs.", "sns.", "ses.")

COLD = ("before connect", "before secretsmanager.get_secret_value")
"""Places that only a new container reaches."""

SIMPLE = ("crash", "exception")
"""What can happen anywhere."""


def faults_at(place: Place) -> Sequence[str]:
    """The faults that can fall at a place, beside those of delivery."""
    when, name = place.split(" ", 1)
    if name.startswith(CLIENTS):
        if when == "after":
            return ("crash", "answer lost")
        return ("crash", "exception", "unreachable", *(["partial"] if name in PARTIAL else []))
    if name.startswith("sql.") or name == "commit":
        full = ["disk full", "read only"] if when == "before" and name.startswith("sql.") else []
        return ("crash", "exception", "connection cut", *full) if name != "commit" else ("crash", "connection cut")
    return SIMPLE


def befall(call: Call, place: Place, fault: str) -> str | None:
    """Let a fault happen to a call, now."""
    call.faults.append(f"{fault} {place}")
    container = call.container
    assert container is not None
    service, _, operation = place.split(" ", 1)[1].partition(".")
    match fault:
        case "crash":
            container.kill()
            raise Crash
        case "exception" if place.startswith("before ") and f"{service}." in CLIENTS:
            raise refused(service, operation, "ThrottlingException")
        case "exception":
            raise RuntimeError(f"planted {place}")
        case "unreachable":
            raise EndpointConnectionError(endpoint_url=f"http://{service}")
        case "answer lost":
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


class Once:
    """A control: the `nth` time that the function reaches the place, the fault falls; nothing else happens."""

    def __init__(self, function: str, place: Place, nth: int, fault: str) -> None:
        self.function = function
        self.place = place
        self.nth = nth
        self.fault = fault
        self.fallen = False
        self._seen = 0

    def __call__(self, call: Call, place: Place) -> str | None:
        if self.due(call, place):
            return befall(call, place, self.fault)
        return None

    def due(self, call: Call, place: Place) -> bool:
        """Whether this is the moment; it comes once."""
        if self.fallen or call.function != self.function or place != self.place:
            return False
        self._seen += 1
        self.fallen = self._seen == self.nth
        return self.fallen
