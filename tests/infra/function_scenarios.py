"""Scenarios that use all permissions of the pipeline's functions; each yields the results of its calls."""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import timedelta
from typing import Any

import httpx
from botocore.exceptions import ClientError

from onboarding.aws.dead_letter_queues import INGESTION_QUEUE, redrive_uploads
from onboarding.cli.target import environment_of
from onboarding.config import Settings
from onboarding.deploy.buckets import empty_bucket
from onboarding.domain.catalog import ProductFilter
from onboarding.domain.exports import ExportFormat
from onboarding.domain.resource_names import resource_name
from onboarding.notifications.report_links import sign_report_link
from onboarding.notifications.sign_in_email import SignInEmail
from onboarding.pipeline.recovery import ingest_missed_objects
from onboarding.runtime import AppContext
from onboarding.storage.audit_log import Actor
from onboarding.storage.exports import create_export, get_export
from tests.integration.pipeline.test_function_roles import role_of
from tests.support.running_pipeline import Pipeline, csv_of, product

VENDOR = "VEND001"


SUCCESS = "success"
"""The outcome of a call that does not fail."""


def invoke(run: Pipeline, function: str, event: Mapping[str, Any]) -> tuple[str, Any]:
    """Call a function, and return the outcome (SUCCESS, or the error) and the response."""
    response = run.lambdas.invoke(FunctionName=resource_name(function), Payload=json.dumps(event).encode())
    body = json.loads(response["Payload"].read() or b"null")
    return (f"{body.get('errorType')}: {body.get('errorMessage')}" if response.get("FunctionError") else SUCCESS), body


def invoke_for_outcome(run: Pipeline, function: str, event: Mapping[str, Any]) -> str:
    return invoke(run, function, event)[0]


# -- Objects, uploads and events ---------------------------------------------------------------------------------------


def put_object(run: Pipeline, vendor: str, content: bytes, *, versioned: bool = True) -> tuple[str, dict[str, Any]]:
    """Put an object, and return its upload ID and S3's event."""
    source = run.put_key(f"uploads/{vendor}/{uuid.uuid4().hex}.csv", content)
    item = {"key": source.key, "size": len(content)} | ({"versionId": source.version_id} if versioned else {})
    return run.upload_id(source), {"Records": [{"s3": {"bucket": {"name": source.bucket}, "object": item}}]}


def make_file() -> bytes:
    """Return a file with a valid and an invalid row."""
    name = uuid.uuid4().hex[:8]
    return csv_of([product(f"{name}-1"), product(f"{name}-2", price="-1")])


def stage_upload(run: Pipeline) -> tuple[str, dict[str, Any]]:
    """Stage the rows of a new upload, and return its ID and the stream's event."""
    upload_id, event = put_object(run, VENDOR, make_file())
    assert invoke_for_outcome(run, "csv-parser", event) == SUCCESS
    images = [run.item(upload_id, number) for number in (1, 2)]
    return upload_id, {"Records": [{"eventName": "INSERT", "dynamodb": {"NewImage": image}} for image in images]}


def complete_upload(run: Pipeline) -> str:
    """Validate the rows of a new upload, and return its ID."""
    upload_id, event = stage_upload(run)
    assert invoke_for_outcome(run, "product-validator", event) == SUCCESS
    return upload_id


def report_upload(run: Pipeline) -> str:
    """Write the error report of a new upload, and return its ID."""
    upload_id = complete_upload(run)
    assert invoke_for_outcome(run, "error-processor", make_queue_event(json.dumps({"upload_id": upload_id}))) == SUCCESS
    return upload_id


def make_queue_event(body: str) -> dict[str, Any]:
    """Return the event of SQS for a message."""
    attributes = {"ApproximateReceiveCount": "1"}
    return {"Records": [{"messageId": "m", "receiptHandle": "r", "body": body, "attributes": attributes}]}


def make_result_event() -> dict[str, Any]:
    """Return the event of SNS for a new finished upload."""
    upload_id = f"UPLOAD_{uuid.uuid4().hex[:12]}"
    message = {
        "upload_id": upload_id,
        "vendor_id": VENDOR,
        "vendor_name": "TechGear",
        "vendor_email": "vendor@vendors.example",
        "file_name": "file.csv",
        "status": "partial",
        "total_records": 2,
        "valid_records": 1,
        "error_records": 1,
        "failure_reason": None,
        "error_file_s3_key": f"errors/{VENDOR}/{upload_id}_errors.csv",
    }
    return {"Records": [{"Sns": {"Message": json.dumps(message)}}]}


# -- Scenarios of the functions ----------------------------------------------------------------------------------------


def call_parser(run: Pipeline) -> Generator[str]:
    valid = put_object(run, VENDOR, make_file())[1]
    unversioned = put_object(run, VENDOR, make_file(), versioned=False)[1]
    empty = put_object(run, VENDOR, b"")[1]
    unknown_vendor = put_object(run, "NOBODY", make_file())[1]
    for event in (valid, unversioned, empty, unknown_vendor):
        yield invoke_for_outcome(run, "csv-parser", event)


def call_validator(run: Pipeline) -> Generator[str]:
    yield invoke_for_outcome(run, "product-validator", stage_upload(run)[1])


def call_error_processor(run: Pipeline) -> Generator[str]:
    message = json.dumps({"upload_id": complete_upload(run)})
    yield invoke_for_outcome(run, "error-processor", make_queue_event(message))
    yield invoke_for_outcome(run, "error-processor", make_queue_event("malformed"))


def call_mailer(run: Pipeline) -> Generator[str]:
    event = make_result_event()
    yield invoke_for_outcome(run, "mailer", event)
    yield invoke_for_outcome(run, "mailer", event)
    # The function releases its claim if SES rejects the e-mail, here for an unverified sender.
    with use_unverified_sender(run):
        yield invoke_for_outcome(run, "mailer", make_result_event())
        yield invoke_for_outcome(run, "mailer", make_sign_in_event())
    yield invoke_for_outcome(run, "mailer", make_sign_in_event())


def make_sign_in_event() -> dict[str, Any]:
    """Return the event with which the API requests an e-mail with a sign-in link."""
    return SignInEmail("vendor@vendors.example", [("TechGear", "https://portal.example/x")], time.time() + 900).event()


@contextmanager
def use_unverified_sender(run: Pipeline) -> Iterator[None]:
    """Change the mailer's sender to an unverified address."""
    variables = get_environment(run, "mailer")
    invalid_variables = {**variables, "EMAIL_SENDER": "uploads@unverified.example"}
    run.lambdas.update_function_configuration(
        FunctionName=resource_name("mailer"), Environment={"Variables": invalid_variables}
    )
    try:
        yield
    finally:
        run.lambdas.update_function_configuration(
            FunctionName=resource_name("mailer"), Environment={"Variables": variables}
        )


def call_report_link(run: Pipeline) -> Generator[str]:
    outcome, response = invoke(run, "report-link", make_link_event(run, report_upload(run)))
    yield outcome
    # The pre-signed URL has the permissions of the role.
    yield str(httpx.get(response["headers"]["location"], trust_env=False).status_code)


def make_link_event(run: Pipeline, upload_id: str) -> dict[str, Any]:
    """Return the HTTP API's event for the report link in the upload's e-mail."""
    upload = run.upload(upload_id)
    assert upload is not None
    assert upload.error_file_s3_key is not None
    secret = run.endpoints.client("secretsmanager").get_secret_value(SecretId=resource_name("/link-keys"))[
        "SecretString"
    ]
    return {"pathParameters": {"token": sign_report_link(upload.error_file_s3_key, json.loads(secret))}}


def insert_export(run: Pipeline) -> str:
    """Insert an export of a vendor, and return its ID."""
    export = create_export(
        run.connection,
        Actor("test"),
        vendor_id=VENDOR,
        export_format=ExportFormat.XLSX,
        conditions=ProductFilter(vendor_id=VENDOR),
    )
    return export.export_id


def call_exporter(run: Pipeline) -> Generator[str]:
    run.connection.execute("truncate exports")
    export_id = insert_export(run)
    yield invoke_for_outcome(run, "exporter", {"export_id": export_id})
    yield get_export(run.connection, VENDOR, export_id).status


def call_watchdog(run: Pipeline) -> Generator[str]:
    """Resume a stalled upload, start a stalled export again, ingest a missed object, and redrive failures."""
    empty_bucket(run.s3, run.endpoints.bucket)
    run.connection.execute("truncate upload_history, products, exports cascade")
    insert_export(run)
    run.connection.execute("update exports set last_progress_at = now() - interval '1 hour'")
    stage_upload(run)
    complete_upload(run)
    run.connection.execute(
        "update upload_history set last_progress_at = now() - interval '1 hour', "
        "processing_completed_at = processing_completed_at - interval '1 hour'"
    )
    put_object(run, "NOBODY", make_file())
    run.connection.execute(
        "update upload_history set notified_at = now() - interval '1 hour' where upload_id = %s",
        (complete_upload(run),),
    )
    yield invoke_for_outcome(run, "watchdog", {})
    yield invoke_for_outcome(run, "watchdog", {"sweep": True})
    yield from redrive_failures(run)
    yield from redrive_upload_events(run)
    # The function ignores objects of the last five minutes, and the emulator cannot create older ones.
    with assume_role(run, "watchdog") as ctx:
        try:
            list(ingest_missed_objects(ctx, patience=timedelta(0)))
        except ExceptionGroup as error:
            yield f"{error.exceptions}"
        else:
            yield SUCCESS


def redrive_failures(run: Pipeline) -> Generator[str]:
    """Redrive an event from each failure queue, as Lambda, SNS and EventBridge store them."""
    for queue, body in make_failed_events(run).items():
        url = run.sqs.get_queue_url(QueueName=resource_name(queue))["QueueUrl"]
        run.sqs.purge_queue(QueueUrl=url)
        run.sqs.send_message(QueueUrl=url, MessageBody=json.dumps(body))
        yield f"{queue}: {invoke_for_outcome(run, 'watchdog', {'redrive': queue})}, {count_messages(run, url)} remain"


def redrive_upload_events(run: Pipeline) -> Generator[str]:
    """Redrive an event of S3 by a scheduled run; one that is too old for that stays visible for operators."""
    url = run.sqs.get_queue_url(QueueName=resource_name(INGESTION_QUEUE))["QueueUrl"]
    event = json.dumps({"requestPayload": put_object(run, VENDOR, make_file())[1]})
    run.sqs.send_message(QueueUrl=url, MessageBody=event)
    yield f"scheduled: {invoke_for_outcome(run, 'watchdog', {})}, {count_messages(run, url)} remain"
    run.sqs.send_message(QueueUrl=url, MessageBody=event)
    with assume_role(run, "watchdog") as ctx:
        try:
            redriven = list(redrive_uploads(ctx, max_age=timedelta(-1)))
        except ClientError as error:
            yield str(error)
        else:
            received = run.sqs.receive_message(QueueUrl=url, VisibilityTimeout=0).get("Messages", [])
            yield f"too old: {len(redriven)} redriven, {len(received)} visible"
    run.sqs.purge_queue(QueueUrl=url)


def count_messages(run: Pipeline, url: str) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    attributes = run.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(map(int, attributes.values()))


def make_failed_events(run: Pipeline) -> dict[str, Any]:
    bucket = f"product-onboarding-failures-{run.endpoints.bucket.rsplit('-', 1)[-1]}"
    key = "aws/lambda/mapping/shard/batch.json"
    payload = json.dumps(stage_upload(run)[1])
    run.s3.put_object(Bucket=bucket, Key=key, Body=json.dumps({"payload": payload}).encode())
    return {
        "csv-parser-failures": {"requestPayload": put_object(run, VENDOR, make_file())[1]},
        "product-validator-failures": {
            "source": "aws.s3",
            "detail": {"bucket": {"name": bucket}, "object": {"key": key}},
        },
        "product-validation-errors-dlq": {"upload_id": complete_upload(run)},
        "mailer-failures": {"requestPayload": make_result_event()},
        "webhook-failures": {"requestPayload": make_result_event()},
        "exporter-failures": {"requestPayload": {"export_id": insert_export(run)}},
        "watchdog-failures": {"requestPayload": {}},
    }


@contextmanager
def assume_role(run: Pipeline, function: str) -> Iterator[AppContext]:
    """Yield a context in this process with the environment and the role of a function."""
    iam, role = run.endpoints.client("iam"), role_of(run, function)
    trust = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    statement = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    extended_trust = json.dumps({**trust, "Statement": [*trust["Statement"], statement]})
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=extended_trust)
    try:
        arn = run.lambdas.get_function_configuration(FunctionName=resource_name(function))["Role"]
        credentials = run.endpoints.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    finally:
        iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(trust))
    with environment_of(run.endpoints):
        os.environ.update(
            get_environment(run, function),
            AWS_ACCESS_KEY_ID=credentials["AccessKeyId"],
            AWS_SECRET_ACCESS_KEY=credentials["SecretAccessKey"],
            AWS_SESSION_TOKEN=credentials["SessionToken"],
        )
        with closing(AppContext(Settings.from_environment())) as ctx:
            yield ctx


def get_environment(run: Pipeline, function: str) -> dict[str, str]:
    return dict(
        run.lambdas.get_function_configuration(FunctionName=resource_name(function))["Environment"]["Variables"]
    )
