"""Handlers that make the calls of the pipeline and do nothing besides: what they take is the engine's own share.

The parser reads the object and puts an item for each line, the validator writes each item's status, sends a message for
each twentieth row and one at the end, the error processor writes two files and publishes, the mailer claims and sends.
No row is looked at, no database is asked. Calls are as full, and as many at once, as the pipeline's.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any
from urllib.parse import unquote_plus

import boto3
from botocore.config import Config

AT_ONCE = 8
EACH = 20
"""Every so manyth row is treated as invalid: 5 %."""

_seen: Counter[str] = Counter()


@cache
def client(service: str) -> Any:
    session: Any = boto3.session.Session()
    return session.client(service, config=Config(parameter_validation=False, max_pool_connections=AT_ONCE))


def csv_parser(event: dict[str, Any], _: object) -> None:
    for record in event["Records"]:
        described = record["s3"]["object"]
        key, version = unquote_plus(described["key"]), described["versionId"]
        bucket = record["s3"]["bucket"]["name"]
        lines = client("s3").get_object(Bucket=bucket, Key=key, VersionId=version)["Body"].read().decode().splitlines()
        names = lines[0].split(",")
        items = [_item(version, number, names, line, len(lines) - 1) for number, line in enumerate(lines[1:], 1)]
        _write(items)
        print(json.dumps({"staged": len(items)}))


def product_validator(event: dict[str, Any], _: object) -> None:
    items = [record["dynamodb"]["NewImage"] for record in event["Records"]]
    _write([{**item, "status": {"S": "validated"}} for item in items])
    messages = []
    for item in items:
        upload, total = item["upload_id"]["S"], int(item["total"]["N"])
        if int(item["row_number"]["N"]) % EACH == 0:
            messages.append({"upload": upload, "row": item["product_data"]})
        # One worker gets all batches of the stream here, one after the other.
        _seen[upload] += 1
        if _seen[upload] == total:
            messages.append({"upload": upload, "finished": total})
    for some in _chunks(messages, 10):
        entries = [{"Id": str(number), "MessageBody": json.dumps(message)} for number, message in enumerate(some)]
        client("sqs").send_message_batch(QueueUrl=os.environ["SQS_ERROR_QUEUE_URL"], Entries=entries)
    print(json.dumps({"judged": len(items)}))


def error_processor(event: dict[str, Any], _: object) -> dict[str, Any]:
    for record in event["Records"]:
        message = json.loads(record["body"])
        if "finished" in message:
            report = b"1,PROD0001,SKU-001,A product,INVALID_PRICE,Price must be at least 0.01,0.00,1\n"
            for name in ("errors", "fixes"):
                client("s3").put_object(
                    Bucket=os.environ["S3_BUCKET_NAME"],
                    Key=f"errors/bench/{message['upload']}_{name}.csv",
                    Body=report * (message["finished"] // EACH),
                )
            client("sns").publish(
                TopicArn=os.environ["SNS_TOPIC_ARN"],
                Message=message["upload"],
                MessageAttributes={
                    "vendor_id": {"DataType": "String", "StringValue": "bench"},
                    "status": {"DataType": "String", "StringValue": "partial"},
                },
            )
    print(json.dumps({"messages": len(event["Records"])}))
    return {"batchItemFailures": []}


def mailer(event: dict[str, Any], _: object) -> None:
    for record in event["Records"]:
        upload = record["Sns"]["Message"]
        table = os.environ["MAIL_CLAIMS_TABLE"]
        client("dynamodb").put_item(TableName=table, Item={"upload_id": {"S": upload}})
        client("ses").send_email(
            Source=os.environ["MAIL_SENDER"],
            Destination={"ToAddresses": ["bench@vendors.example"]},
            Message={"Subject": {"Data": "bench"}, "Body": {"Text": {"Data": upload}}},
        )
        client("dynamodb").update_item(
            TableName=table,
            Key={"upload_id": {"S": upload}},
            UpdateExpression="set sent_at = :now",
            ExpressionAttributeValues={":now": {"N": "1"}},
        )
        print(json.dumps({"mailed": upload}))


def _item(upload: str, number: int, names: Sequence[str], line: str, total: int) -> dict[str, Any]:
    data = {name: {"S": value} for name, value in zip(names, line.split(","), strict=False) if value}
    return {
        "upload_id": {"S": upload},
        "record_id": {"S": f"REC_{number:05d}"},
        "vendor_id": {"S": "bench"},
        "row_number": {"N": str(number)},
        "total": {"N": str(total)},
        "status": {"S": "pending_validation"},
        "product_data": {"M": data},
    }


def _write(items: Sequence[dict[str, Any]]) -> None:
    table = os.environ["DYNAMODB_TABLE"]

    def write(some: Sequence[dict[str, Any]]) -> None:
        requests: Any = {table: [{"PutRequest": {"Item": item}} for item in some]}
        while requests:
            requests = client("dynamodb").batch_write_item(RequestItems=requests).get("UnprocessedItems")

    client("dynamodb")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(write, _chunks(items, 25)))


def _chunks(elements: Sequence[Any], size: int) -> Iterable[Sequence[Any]]:
    return (elements[start : start + size] for start in range(0, len(elements), size))
