"""Requests to DynamoDB without the serialization of botocore."""

from __future__ import annotations

import json
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse

from onboarding.aws.dynamodb_wire import send_as_written
from onboarding.aws.staging_table import to_item
from tests.support.postgres_fixtures import make_row


class _EmptyBody:
    """The raw body of an empty response."""

    def stream(self, **_: object) -> list[bytes]:
        return [b"{}"]


def _capture_request(items: list[dict[str, Any]], *, as_written: bool) -> tuple[Any, Any]:
    """Write a batch of items, and return the operation and the body of the request."""
    session: Any = boto3.session.Session(
        aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1"
    )
    client = session.client("dynamodb", endpoint_url="http://127.0.0.1:9")
    requests: list[Any] = []

    def respond(request: Any, **_: object) -> AWSResponse:
        requests.append(request)
        headers: Any = {"content-type": "application/x-amz-json-1.0"}
        return AWSResponse(request.url, 200, headers, _EmptyBody())

    client.meta.events.register("before-send", respond)
    if as_written:
        send_as_written(client)
    batch = {"UploadRecords": [{"PutRequest": {"Item": item}} for item in items]}
    client.batch_write_item(RequestItems=batch, ReturnConsumedCapacity="TOTAL")
    [request] = requests
    return request.headers["X-Amz-Target"], json.loads(request.body)


def test_send_as_written_batch_equals_the_request_of_botocore() -> None:
    items = [
        to_item(make_row(1)),
        to_item(
            make_row(2, product_name="Mäuse “drahtlos” 鼠标 \U0001f5b1", price="10.00", description='a"b\\c\n\x01')
        ),
        to_item(
            make_row(3, duplicate_of={"sku": 1}, surplus_fields=2, cut={"description": 3000}, many_categories=True)
        ),
    ]
    assert _capture_request(items, as_written=True) == _capture_request(items, as_written=False)
