"""Handlers that make the pipeline's AWS calls and do no other work: their time is the emulator's share.

The parser reads the object and stages an item for each line; the validator writes each item's status and sends a
message for each twentieth row and one at the end; the error processor writes two files and publishes; the mailer claims
and sends; the webhook looks up its address. No row is validated, no database is used. Calls have the same size and
concurrency as the pipeline's, items the same attributes.
"""

from __future__ import annotations

import csv
import json
import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any
from urllib.parse import unquote_plus

import boto3
from botocore.config import Config

from onboarding.aws.dynamodb_wire import send_as_written
from onboarding.domain.product_schema import NUMBER_COLUMNS

CONCURRENT_CALLS = 8
RETENTION_DAYS = 14
NUMBERS = frozenset({"price", "compare_at_price", "stock_quantity", "weight_kg"})
INVALID_INTERVAL = 20
"""Each twentieth row (5 %) is treated as invalid."""

_validated: Counter[str] = Counter()


@cache
def client(service: str) -> Any:
    client = _session().client(
        service, config=Config(parameter_validation=False, max_pool_connections=CONCURRENT_CALLS)
    )
    if service == "dynamodb":
        send_as_written(client)
    return client


@cache
def _session() -> Any:
    return boto3.session.Session()


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(CONCURRENT_CALLS)


def csv_parser(event: dict[str, Any], _: object) -> None:
    for record in event["Records"]:
        described = record["s3"]["object"]
        key, version = unquote_plus(described["key"]), described["versionId"]
        bucket = record["s3"]["bucket"]["name"]
        lines = client("s3").get_object(Bucket=bucket, Key=key, VersionId=version)["Body"].read().decode().splitlines()
        _write(_items(version, lines))
        print(json.dumps({"staged": len(lines) - 1}))


def product_validator(event: dict[str, Any], _: object) -> None:
    items = [record["dynamodb"]["NewImage"] for record in event["Records"]]
    _write({**item, "status": {"S": "validated"}, "processed_at": item["created_at"]} for item in items)
    messages: list[dict[str, Any]] = []
    for item in items:
        upload, total = item["upload_id"]["S"], int(item["total"]["N"])
        if int(item["row_number"]["N"]) % INVALID_INTERVAL == 0:
            messages.append({"upload": upload, "row": item["product_data"]})
        # The emulator gives all batches of the stream to one worker, one after the other.
        _validated[upload] += 1
        if _validated[upload] == total:
            messages.append({"upload": upload, "finished": total})
    _send(messages)
    print(json.dumps({"validated": len(items)}))


def error_processor(event: dict[str, Any], _: object) -> dict[str, Any]:
    for record in event["Records"]:
        message = json.loads(record["body"])
        if "finished" in message:
            report = b"1,PROD0001,SKU-001,A product,INVALID_PRICE,Price must be at least 0.01,0.00,1\n"
            for name in ("errors", "fixes"):
                client("s3").put_object(
                    Bucket=os.environ["S3_BUCKET_NAME"],
                    Key=f"errors/bench/{message['upload']}_{name}.csv",
                    Body=report * (message["finished"] // INVALID_INTERVAL),
                )
            client("sns").publish(
                TopicArn=os.environ["SNS_TOPIC_ARN"],
                Message=json.dumps({"upload": message["upload"]}),
                MessageAttributes={
                    "vendor_id": {"DataType": "String", "StringValue": "bench"},
                    "status": {"DataType": "String", "StringValue": "partial"},
                },
            )
    print(json.dumps({"messages": len(event["Records"])}))
    return {"batchItemFailures": []}


def mailer(event: dict[str, Any], _: object) -> None:
    for record in event["Records"]:
        upload = json.loads(record["Sns"]["Message"])["upload"]
        table = os.environ["EMAIL_CLAIMS_TABLE"]
        client("dynamodb").put_item(TableName=table, Item={"upload_id": {"S": upload}})
        client("ses").send_email(
            Source=os.environ["EMAIL_SENDER"],
            Destination={"ToAddresses": ["bench@vendors.example"]},
            Message={"Subject": {"Data": "bench"}, "Body": {"Text": {"Data": upload}}},
        )
        client("dynamodb").update_item(
            TableName=table,
            Key={"upload_id": {"S": upload}},
            UpdateExpression="set sent_at = :now",
            ExpressionAttributeValues={":now": {"N": "1"}},
        )
        print(json.dumps({"sent": upload}))


def webhook(event: dict[str, Any], _: object) -> None:
    for record in event["Records"]:
        upload = json.loads(record["Sns"]["Message"])["upload"]
        key = {"vendor_id": {"S": "bench"}, "entry": {"S": "address"}}
        client("dynamodb").get_item(TableName=os.environ["WEBHOOKS_TABLE"], Key=key, ConsistentRead=True)
        print(json.dumps({"no webhook": upload}))


def _items(upload: str, lines: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Return the items of a file as the pipeline stages them, with the total number of rows in each."""
    names, *rows = csv.reader(lines)
    created_at, expires_at = "2024-12-21T10:30:45.000Z", str(int(time.time()) + RETENTION_DAYS * 86_400)
    for number, row in enumerate(rows, 1):
        cells = {name: value for name, value in zip(names, row, strict=False) if value}
        numbers = {name: text for name, text in cells.items() if name in NUMBER_COLUMNS and _is_number(text)}
        item = {
            "upload_id": {"S": upload},
            "record_id": {"S": f"REC_{number:05d}"},
            "vendor_id": {"S": "bench"},
            "row_number": {"N": str(number)},
            "total": {"N": str(len(rows))},
            "status": {"S": "pending_validation"},
            "product_data": {
                "M": {name: {"N" if name in numbers else "S": value} for name, value in cells.items()},
            },
            "created_at": {"S": created_at},
            "expires_at": {"N": expires_at},
        }
        # DynamoDB returns these numbers in another spelling.
        if written := {name: {"S": text} for name, text in numbers.items() if text.endswith("0") and "." in text}:
            item["as_written"] = {"M": written}
        yield item


def _is_number(text: str) -> bool:
    return text.isascii() and text.replace(".", "", 1).isdigit() and len(text) < 20


def _write(items: Iterable[dict[str, Any]]) -> None:
    table, dynamodb = os.environ["DYNAMODB_TABLE"], client("dynamodb")

    def write(chunk: Sequence[dict[str, Any]]) -> None:
        requests: Any = {table: [{"PutRequest": {"Item": item}} for item in chunk]}
        while requests:
            requests = dynamodb.batch_write_item(RequestItems=requests).get("UnprocessedItems")

    list(_pool().map(write, _split(list(items), 25)))


def _send(messages: Sequence[dict[str, Any]]) -> None:
    if not messages:
        return
    url, sqs = os.environ["SQS_ERROR_QUEUE_URL"], client("sqs")

    def send(chunk: Sequence[dict[str, Any]]) -> None:
        entries = [
            {
                "Id": str(number),
                "MessageBody": json.dumps(message),
                "MessageAttributes": {
                    name: {"DataType": "String", "StringValue": message["upload"]}
                    for name in ("upload_id", "vendor_id", "error_type")
                },
            }
            for number, message in enumerate(chunk)
        ]
        sqs.send_message_batch(QueueUrl=url, Entries=entries)

    list(_pool().map(send, _split(messages, 10)))


def _split(elements: Sequence[Any], size: int) -> Iterable[Sequence[Any]]:
    return (elements[start : start + size] for start in range(0, len(elements), size))
