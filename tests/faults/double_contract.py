"""Contract test of the doubles: the same calls to the doubles and to the AWS emulator must have the same results."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from onboarding.local.endpoints import Endpoints
from tests.faults.aws_in_memory import Aws
from tests.faults.client_doubles import Client
from tests.faults.lambda_runtime import Container, Runtime

Record = Callable[[str, Any], None]
KEYS = {
    "UploadRecords": [("upload_id", "HASH"), ("record_id", "RANGE")],
    "product-onboarding-email-claims": [("upload_id", "HASH")],
}


def make_item(number: int, status: str = "pending_validation", **more: Any) -> dict[str, Any]:
    return {"upload_id": {"S": "u"}, "record_id": {"S": f"REC_{number:05d}"}, "status": {"S": status}, **more}


def make_calls(clients: dict[str, Any], names: dict[str, str], record: Record) -> None:
    """Make every call that the pipeline makes, and record the parts of the responses that it uses."""
    s3, dynamodb, sqs, sns = clients["s3"], clients["dynamodb"], clients["sqs"], clients["sns"]
    bucket, queue, topic = names["bucket"], names["queue"], names["topic"]
    records, claims = names["UploadRecords"], names["product-onboarding-email-claims"]

    versions = [
        s3.put_object(Bucket=bucket, Key="uploads/a b.csv", Body=io.BytesIO(body))["VersionId"]
        for body in (b"1", b"22")
    ]
    record("versions differ", len(set(versions)))
    for version in ({}, {"VersionId": versions[0]}):
        response = s3.get_object(Bucket=bucket, Key="uploads/a b.csv", **version)
        with response["Body"] as body:
            record("object", (body.read(), response["ContentLength"], response["LastModified"].tzinfo is not None))
    for missing in ({"Key": "uploads/none.csv"}, {"Key": "uploads/none.csv", "VersionId": versions[0]}):
        record("missing", _error_code(s3, partial(s3.get_object, Bucket=bucket, **missing)))
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix="uploads/")
    record("listed", sorted((v["Key"], v["VersionId"] in versions) for page in pages for v in page.get("Versions", [])))

    def write(*items: dict[str, Any]) -> Any:
        requests = [{"PutRequest": {"Item": one}} for one in items]
        return dynamodb.batch_write_item(RequestItems={records: requests}).get("UnprocessedItems")

    record("written", write(*(make_item(n) for n in range(1, 26))))
    record("too many", _error_code(dynamodb, lambda: write(*(make_item(n) for n in range(1, 27)))))
    record("twice in a call", _error_code(dynamodb, lambda: write(make_item(1), make_item(1))))
    record("overwritten", write(make_item(1, "validated"), make_item(2, note={"M": {"n": {"N": "1.5"}}})))
    for number in (1, 2, 99):
        key = {"upload_id": {"S": "u"}, "record_id": {"S": f"REC_{number:05d}"}}
        record("item", dynamodb.get_item(TableName=records, Key=key, ConsistentRead=True).get("Item"))

    condition = "attribute_not_exists(upload_id) or (attribute_not_exists(sent_at) and lease_until < :now)"

    def claim(now: int) -> str:
        put = {"upload_id": {"S": "u"}, "lease_until": {"N": str(now + 45)}}
        values = {":now": {"N": str(now)}}
        return _error_code(
            dynamodb,
            lambda: dynamodb.put_item(
                TableName=claims, Item=put, ConditionExpression=condition, ExpressionAttributeValues=values
            ),
        )

    key = {"upload_id": {"S": "u"}}
    record("claims", [claim(now) for now in (9, 20, 54, 55, 100, 101)])
    dynamodb.delete_item(TableName=claims, Key=key)
    record("claim after removal", claim(10))
    dynamodb.update_item(
        TableName=claims, Key=key, UpdateExpression="set sent_at = :now", ExpressionAttributeValues={":now": {"N": "7"}}
    )
    record("marked", dynamodb.get_item(TableName=claims, Key=key)["Item"])
    record("claim after the mark", claim(1_000))

    attributes = {"upload_id": {"DataType": "String", "StringValue": "u"}}
    entries = [{"Id": str(n), "MessageBody": json.dumps({"n": n}), "MessageAttributes": attributes} for n in range(11)]
    response = sqs.send_message_batch(QueueUrl=queue, Entries=entries[:10])
    record("sent", ([entry["Id"] for entry in response["Successful"]], response.get("Failed", [])))
    error_code = _error_code(sqs, lambda: sqs.send_message_batch(QueueUrl=queue, Entries=entries))
    # The emulator uses the older form of the error code.
    record("too many messages", error_code.rpartition(".")[2])
    _failed_events(sqs, names["failures"], record)
    message = json.dumps({"default": "text", "lambda": "{}"})
    record(
        "published",
        "MessageId"
        in sns.publish(TopicArn=topic, Subject="s", Message=message, MessageStructure="json", MessageAttributes={}),
    )


def _failed_events(sqs: Any, failures: str, record: Record) -> None:
    """Make the calls to a failure queue, and record the responses."""
    counts: Any = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]

    def waiting() -> Any:
        return sqs.get_queue_attributes(QueueUrl=failures, AttributeNames=counts)["Attributes"]

    def receive() -> list[Any]:
        options: Any = {"MaxNumberOfMessages": 1, "VisibilityTimeout": 60, "WaitTimeSeconds": 0}
        names: Any = ["SentTimestamp"]
        response = sqs.receive_message(QueueUrl=failures, MessageSystemAttributeNames=names, **options)
        return list(response.get("Messages", []))

    record("no failed event", (receive(), waiting()))
    sqs.send_message(QueueUrl=failures, MessageBody="{}")
    record("a failed event", waiting())
    [event] = receive()
    record("received", (event["Body"], len(event["Attributes"]["SentTimestamp"]), receive(), waiting()))
    receipt = event["ReceiptHandle"]
    sqs.change_message_visibility(QueueUrl=failures, ReceiptHandle=receipt, VisibilityTimeout=0)
    [event] = receive()
    record("visible again", event["Body"])
    sqs.delete_message(QueueUrl=failures, ReceiptHandle=event["ReceiptHandle"])
    record("deleted", waiting())


def _error_code(client: Any, call: Callable[[], Any]) -> str:
    try:
        call()
    except client.exceptions.ClientError as error:
        return str(error.response["Error"]["Code"])
    return "accepted"


def find_differences(runtime: Runtime, endpoints: Endpoints) -> list[str]:
    """Return the differences between the doubles and the emulator."""
    double_responses: list[tuple[str, str]] = []
    container = Container(runtime, "csv_parser")
    doubles = {service: Client(service, container) for service in ("s3", "dynamodb", "sqs", "sns")}
    double_names = {
        "bucket": "bucket",
        "queue": "queue",
        "failures": "failures",
        "topic": "topic",
        **{name: name for name in KEYS},
    }
    runtime.aws = Aws()
    make_calls(doubles, double_names, lambda name, value: double_responses.append((name, repr(value))))

    emulator_responses: list[tuple[str, str]] = []
    emulator = {service: endpoints.client(service) for service in ("s3", "dynamodb", "sqs", "sns")}
    make_calls(
        emulator, _create_resources(emulator), lambda name, value: emulator_responses.append((name, repr(value)))
    )
    return [
        f"{name}: double {double}, emulator {actual}"
        for (name, double), (_, actual) in zip(double_responses, emulator_responses, strict=True)
        if double != actual
    ]


def _create_resources(emulator: dict[str, Any]) -> dict[str, str]:
    """Create a bucket, tables, queues and a topic without subscribers; return their names."""
    suffix = str(time.time_ns())
    names = {name: f"contract-{name}-{suffix}" for name in KEYS} | {"bucket": f"contract-{suffix}"}
    emulator["s3"].create_bucket(Bucket=names["bucket"])
    versioned = {"Status": "Enabled"}
    emulator["s3"].put_bucket_versioning(Bucket=names["bucket"], VersioningConfiguration=versioned)
    for table, keys in KEYS.items():
        emulator["dynamodb"].create_table(
            TableName=names[table],
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in keys],
            KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys],
        )
    names["queue"] = emulator["sqs"].create_queue(QueueName=f"contract-{suffix}")["QueueUrl"]
    names["failures"] = emulator["sqs"].create_queue(QueueName=f"contract-failures-{suffix}")["QueueUrl"]
    names["topic"] = emulator["sns"].create_topic(Name=f"contract-{suffix}")["TopicArn"]
    return names
