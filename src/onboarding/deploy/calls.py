"""Calls of the function `admin`, which reaches the database from inside the VPC."""

from __future__ import annotations

import json
from typing import Any

from onboarding.deploy.plan import DeployError

FUNCTION = "admin"


def admin(lambdas: Any, action: str, **arguments: object) -> dict[str, Any]:
    """The answer to an action of `onboarding.admin`. Raises DeployError if it was refused or failed."""
    payload = json.dumps({"action": action, "arguments": arguments}).encode()
    answer = lambdas.invoke(FunctionName=FUNCTION, Payload=payload)
    body: dict[str, Any] = json.loads(answer["Payload"].read())
    if answer.get("FunctionError"):
        raise DeployError(f"the function {FUNCTION} failed over {action}: {body.get('errorMessage')}")
    if "refused" in body:
        raise DeployError(str(body["refused"]))
    return body
