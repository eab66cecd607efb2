"""Requests to DynamoDB equal those of botocore."""

from __future__ import annotations

import json
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse

from onboarding.aws.dynamodb_wire import send_as_written
from onboarding.aws.staging_table import to_item
from tests.support.postgres_fixtures import make_row


class _Nothing:
    """The raw body of an answer that says nothing."""

    def stream(self, **_: object) -> list[bytes]:
        return [b"{}"]


def _request(items: list[dict[str, Any]], *, as_written: bool) -> tuple[Any, Any]:
    """Headers that matter and body of a call with these items."""
    session: Any = boto3.session.Session(
        aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1"
    )
    client = session.client("dynamodb", endpoint_url="http://127.0.0.1:9")
    sent: list[Any] = []

    def answer(request: Any, **_: object) -> AWSResponse:
        sent.append(request)
        headers: Any = {"content-type": "application/x-amz-json-1.0"}
        return AWSResponse(request.url, 200, headers, _Nothing())

    client.meta.events.register("before-send", answer)
    if as_written:
        send_as_written(client)
    requests = {"UploadRecords": [{"PutRequest": {"Item": item}} for item in items]}
    client.batch_write_item(RequestItems=requests, ReturnConsumedCapacity="TOTAL")
    [request] = sent
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
    assert _request(items, as_written=True) == _request(items, as_written=False)
