"""Calls of Lambda functions, which reach the database in the VPC."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError, WaiterError

from onboarding.cloudformation.stack_runner import DeployError
from onboarding.domain.resource_names import Function, resource_name

NOT_READY_CODES = ("ResourceNotReadyException", "ResourceConflictException")
"""Lambda's error codes for a function that is inactive, after weeks without a call, or being activated."""


def call_admin(
    lambdas: Any, action: str, *, prefix: str, actor: str = "command:deploy", **arguments: object
) -> dict[str, Any]:
    """Return the result of an action of the function `admin`; the audit log records it with `actor`.

    `prefix` is the name prefix of the deployment. Raises DeployError if the action is rejected or fails.
    """
    function = resource_name(Function.ADMIN, prefix)
    result = call_function(lambdas, function, {"action": action, "arguments": arguments, "actor": actor})
    if "error" in result:
        raise DeployError(str(result["error"]))
    return result


def call_function(lambdas: Any, function: str, event: Mapping[str, object]) -> dict[str, Any]:
    """Return a function's result for an event. Raises DeployError if the function fails."""
    try:
        response = _invoke(lambdas, function, event)
    except ClientError as error:
        if error.response["Error"]["Code"] not in NOT_READY_CODES:
            raise
        # Lambda rejects the first call of an inactive function and activates it. The code did not run.
        try:
            lambdas.get_waiter("function_active_v2").wait(FunctionName=function)
        except WaiterError as failure:
            raise DeployError(f"the function {function} does not become active: {failure}") from error
        response = _invoke(lambdas, function, event)
    result: dict[str, Any] = json.loads(response["Payload"].read())
    if response.get("FunctionError"):
        raise DeployError(f"the function {function} failed: {result.get('errorMessage')}")
    return result


def _invoke(lambdas: Any, function: str, event: Mapping[str, object]) -> Any:
    return lambdas.invoke(FunctionName=function, Payload=json.dumps(event).encode())
