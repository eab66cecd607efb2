"""Requests to DynamoDB in the form in which they are sent, past the general conversion.

botocore walks through every attribute of every item to bring it into the form that the service takes. Our items are in
that form already, as the stream gives them, so the request is written as it is: for a full batch, a third of the time.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_KEPT = "onboarding_request"


def send_as_written(client: DynamoDBClient) -> None:
    """Have `client` send batches of items as they are given. They must hold no bytes, which JSON cannot carry."""
    events: Any = client.meta.events
    events.register("provide-client-params.dynamodb.BatchWriteItem", _keep)
    events.register("before-call.dynamodb.BatchWriteItem", _put_back)


def _keep(params: dict[str, Any], context: dict[str, Any], **_: Any) -> dict[str, Any]:
    context[_KEPT] = params
    return {**params, "RequestItems": {}}


def _put_back(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    params["body"] = json.dumps(context[_KEPT], separators=(",", ":")).encode()
