"""Calls of functions, which reach the database from inside the VPC."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError, WaiterError

from onboarding.deploy.plan import DeployError
from onboarding.resource_names import resource_name

NOT_READY = ("ResourceNotReadyException", "ResourceConflictException")
"""Lambda's answers for a function that is inactive (it was idle for weeks) or that gets ready: its code did not run."""


def admin(
    lambdas: Any, action: str, *, prefix: str, actor: str = "command:deploy", **arguments: object
) -> dict[str, Any]:
    """Return the response of an action of `onboarding.lambda_handlers.admin`, performed by `actor`. Raises DeployError.

    `prefix` begins the names of the deployment that is meant.
    """
    function = resource_name("admin", prefix)
    body = call(lambdas, function, {"action": action, "arguments": arguments, "actor": actor})
    if "refused" in body:
        raise DeployError(str(body["refused"]))
    return body


def call(lambdas: Any, function: str, event: Mapping[str, object]) -> dict[str, Any]:
    """A function's answer to an event. Raises DeployError if it failed."""
    try:
        answer = _invoke(lambdas, function, event)
    except ClientError as error:
        if error.response["Error"]["Code"] not in NOT_READY:
            raise
        # The first call wakes the function and is refused.
        try:
            lambdas.get_waiter("function_active_v2").wait(FunctionName=function)
        except WaiterError as failure:
            raise DeployError(f"the function {function} does not become active: {failure}") from error
        answer = _invoke(lambdas, function, event)
    body: dict[str, Any] = json.loads(answer["Payload"].read())
    if answer.get("FunctionError"):
        raise DeployError(f"the function {function} failed: {body.get('errorMessage')}")
    return body


def _invoke(lambdas: Any, function: str, event: Mapping[str, object]) -> Any:
    return lambdas.invoke(FunctionName=function, Payload=json.dumps(event).encode())
