"""Calls of functions, which reach the database from inside the VPC."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from onboarding.deploy.plan import DeployError
from onboarding.resource_names import resource_name


def admin(
    lambdas: Any, action: str, *, prefix: str, actor: str = "command:deploy", **arguments: object
) -> dict[str, Any]:
    """The answer to an action of `onboarding.admin`, recorded as `actor`'s. Raises DeployError if there is none.

    `prefix` begins the names of the deployment that is meant.
    """
    function = resource_name("admin", prefix)
    body = call(lambdas, function, {"action": action, "arguments": arguments, "actor": actor})
    if "refused" in body:
        raise DeployError(str(body["refused"]))
    return body


def call(lambdas: Any, function: str, event: Mapping[str, object]) -> dict[str, Any]:
    """A function's answer to an event. Raises DeployError if it failed."""
    answer = lambdas.invoke(FunctionName=function, Payload=json.dumps(event).encode())
    body: dict[str, Any] = json.loads(answer["Payload"].read())
    if answer.get("FunctionError"):
        raise DeployError(f"the function {function} failed: {body.get('errorMessage')}")
    return body
