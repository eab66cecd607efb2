"""Calls that take each of the pipeline's functions through everything that it does, and how each of them ends."""

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
from onboarding.domain.resource_names import resource_name
from onboarding.notifications.report_links import sign_report_link
from onboarding.notifications.sign_in_email import SignInEmail
from onboarding.pipeline.recovery import ingest_missed_objects
from onboarding.runtime import AppContext
from tests.integration.pipeline.test_function_roles import role_of
from tests.support.running_pipeline import Pipeline, csv_of, product

VENDOR = "VEND001"


def answer(run: Pipeline, function: str, event: Mapping[str, Any]) -> tuple[str, Any]:
    """How a call ends, `well` or with which error, and what it answers."""
    called = run.lambdas.invoke(FunctionName=resource_name(function), Payload=json.dumps(event).encode())
    body = json.loads(called["Payload"].read() or b"null")
    return (f"{body.get('errorType')}: {body.get('errorMessage')}" if called.get("FunctionError") else "well"), body


def outcome(run: Pipeline, function: str, event: Mapping[str, Any]) -> str:
    return answer(run, function, event)[0]


# -- What the calls are about ------------------------------------------------------------------------------------------


def announced(run: Pipeline, vendor: str, content: bytes, *, versioned: bool = True) -> tuple[str, dict[str, Any]]:
    """A new object and its event; returns the upload's id beside it."""
    source = run.put_key(f"uploads/{vendor}/{uuid.uuid4().hex}.csv", content)
    described = {"key": source.key, "size": len(content)} | ({"versionId": source.version_id} if versioned else {})
    return run.upload_id(source), {"Records": [{"s3": {"bucket": {"name": source.bucket}, "object": described}}]}


def two_rows() -> bytes:
    name = uuid.uuid4().hex[:8]
    return csv_of([product(f"{name}-1"), product(f"{name}-2", price="-1")])


def staged(run: Pipeline) -> tuple[str, dict[str, Any]]:
    """An upload whose rows wait, and the stream's event about them."""
    upload_id, event = announced(run, VENDOR, two_rows())
    assert outcome(run, "csv-parser", event) == "well"
    images = [run.item(upload_id, number) for number in (1, 2)]
    return upload_id, {"Records": [{"eventName": "INSERT", "dynamodb": {"NewImage": image}} for image in images]}


def complete(run: Pipeline) -> str:
    upload_id, event = staged(run)
    assert outcome(run, "product-validator", event) == "well"
    return upload_id


def reported(run: Pipeline) -> str:
    upload_id = complete(run)
    assert outcome(run, "error-processor", queued(json.dumps({"upload_id": upload_id}))) == "well"
    return upload_id


def queued(body: str) -> dict[str, Any]:
    attributes = {"ApproximateReceiveCount": "1"}
    return {"Records": [{"messageId": "m", "receiptHandle": "r", "body": body, "attributes": attributes}]}


def result(upload_id: str) -> dict[str, Any]:
    """The topic's event about a finished upload."""
    told = {
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
    return {"Records": [{"Sns": {"Message": json.dumps(told)}}]}


def new_result() -> dict[str, Any]:
    return result(f"UPLOAD_{uuid.uuid4().hex[:12]}")


# -- The pipeline's functions ------------------------------------------------------------------------------------------


def parser_calls(run: Pipeline) -> Generator[str]:
    good = announced(run, VENDOR, two_rows())[1]
    unversioned = announced(run, VENDOR, two_rows(), versioned=False)[1]
    refused = announced(run, VENDOR, b"")[1]
    nobody = announced(run, "NOBODY", two_rows())[1]
    for event in (good, unversioned, refused, nobody):
        yield outcome(run, "csv-parser", event)


def validator_calls(run: Pipeline) -> Generator[str]:
    yield outcome(run, "product-validator", staged(run)[1])


def processor_calls(run: Pipeline) -> Generator[str]:
    yield outcome(run, "error-processor", queued(json.dumps({"upload_id": complete(run)})))
    yield outcome(run, "error-processor", queued("not ours"))


def mailer_calls(run: Pipeline) -> Generator[str]:
    event = new_result()
    yield outcome(run, "mailer", event)
    yield outcome(run, "mailer", event)
    # A mail that is refused gives its claim back; SES knows no sender of that name.
    with another_sender(run):
        yield outcome(run, "mailer", new_result())
        yield outcome(run, "mailer", sign_in_mail())
    yield outcome(run, "mailer", sign_in_mail())


def sign_in_mail() -> dict[str, Any]:
    """Return the event by which the API asks for a mail with a sign-in link."""
    return SignInEmail("vendor@vendors.example", [("TechGear", "https://portal.example/x")], time.time() + 900).event()


@contextmanager
def another_sender(run: Pipeline) -> Iterator[None]:
    variables = variables_of(run, "mailer")
    changed = {**variables, "MAIL_SENDER": "nobody@unverified.example"}
    run.lambdas.update_function_configuration(FunctionName=resource_name("mailer"), Environment={"Variables": changed})
    try:
        yield
    finally:
        run.lambdas.update_function_configuration(
            FunctionName=resource_name("mailer"), Environment={"Variables": variables}
        )


def link_calls(run: Pipeline) -> Generator[str]:
    end, found = answer(run, "report-link", link_event(run, reported(run)))
    yield end
    # The address that it leads to carries the role's rights.
    yield str(httpx.get(found["headers"]["location"], trust_env=False).status_code)


def link_event(run: Pipeline, upload_id: str) -> dict[str, Any]:
    """The HTTP API's event about the link in the mail."""
    upload = run.upload(upload_id)
    assert upload is not None
    assert upload.error_file_s3_key is not None
    secret = run.endpoints.client("secretsmanager").get_secret_value(SecretId=resource_name("/link-keys"))[
        "SecretString"
    ]
    return {"pathParameters": {"token": sign_report_link(upload.error_file_s3_key, json.loads(secret))}}


def watchdog_calls(run: Pipeline) -> Generator[str]:
    """A stuck upload, one that nobody was told of, and an object that S3 announced to nobody."""
    empty_bucket(run.s3, run.endpoints.bucket)
    run.connection.execute("truncate upload_history, products cascade")
    staged(run)
    complete(run)
    run.connection.execute(
        "update upload_history set last_progress_at = now() - interval '1 hour', "
        "processing_completed_at = processing_completed_at - interval '1 hour'"
    )
    announced(run, "NOBODY", two_rows())
    run.connection.execute(
        "update upload_history set notified_at = now() - interval '1 hour' where upload_id = %s", (complete(run),)
    )
    yield outcome(run, "watchdog", {})
    yield outcome(run, "watchdog", {"sweep": True})
    yield from failures_tried_again(run)
    yield from upload_events_tried_again(run)
    # The sweep passes over what is younger than five minutes, and S3 makes nothing older: once more without patience.
    with in_the_role_of(run, "watchdog") as ctx:
        try:
            list(ingest_missed_objects(ctx, patience=timedelta(0)))
        except ExceptionGroup as error:
            yield f"{error.exceptions}"
        else:
            yield "well"


def failures_tried_again(run: Pipeline) -> Generator[str]:
    """One event in each failure queue, as Lambda, SNS and EventBridge put them there."""
    for queue, body in failed_events(run).items():
        url = run.sqs.get_queue_url(QueueName=resource_name(queue))["QueueUrl"]
        run.sqs.purge_queue(QueueUrl=url)
        run.sqs.send_message(QueueUrl=url, MessageBody=json.dumps(body))
        yield f"{queue}: {outcome(run, 'watchdog', {'redrive': queue})}, {waiting_in(run, url)} left"


def upload_events_tried_again(run: Pipeline) -> Generator[str]:
    """An event that a scheduled run tries, and one that is too old for that: an operator can receive it at once."""
    url = run.sqs.get_queue_url(QueueName=resource_name(INGESTION_QUEUE))["QueueUrl"]
    event = json.dumps({"requestPayload": announced(run, VENDOR, two_rows())[1]})
    run.sqs.send_message(QueueUrl=url, MessageBody=event)
    yield f"scheduled: {outcome(run, 'watchdog', {})}, {waiting_in(run, url)} left"
    run.sqs.send_message(QueueUrl=url, MessageBody=event)
    with in_the_role_of(run, "watchdog") as ctx:
        try:
            tried = list(redrive_uploads(ctx, max_age=timedelta(-1)))
        except ClientError as error:
            yield str(error)
        else:
            received = run.sqs.receive_message(QueueUrl=url, VisibilityTimeout=0).get("Messages", [])
            yield f"too old: {len(tried)} tried, {len(received)} visible"
    run.sqs.purge_queue(QueueUrl=url)


def waiting_in(run: Pipeline, url: str) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = run.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(map(int, found.values()))


def failed_events(run: Pipeline) -> dict[str, Any]:
    bucket = f"product-onboarding-failures-{run.endpoints.bucket.rsplit('-', 1)[-1]}"
    key = "aws/lambda/mapping/shard/batch.json"
    payload = json.dumps(staged(run)[1])
    run.s3.put_object(Bucket=bucket, Key=key, Body=json.dumps({"payload": payload}).encode())
    return {
        "csv-parser-failures": {"requestPayload": announced(run, VENDOR, two_rows())[1]},
        "product-validator-failures": {
            "source": "aws.s3",
            "detail": {"bucket": {"name": bucket}, "object": {"key": key}},
        },
        "product-validation-errors-dlq": {"upload_id": complete(run)},
        "mailer-failures": {"requestPayload": new_result()},
        "webhook-failures": {"requestPayload": new_result()},
        "watchdog-failures": {"requestPayload": {}},
    }


@contextmanager
def in_the_role_of(run: Pipeline, function: str) -> Iterator[AppContext]:
    """A context as the function has it: with its variables and its role's rights, in this process."""
    iam, role = run.endpoints.client("iam"), role_of(run, function)
    trust = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    ours = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    opened = json.dumps({**trust, "Statement": [*trust["Statement"], ours]})
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=opened)
    try:
        arn = run.lambdas.get_function_configuration(FunctionName=resource_name(function))["Role"]
        rights = run.endpoints.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    finally:
        iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(trust))
    with environment_of(run.endpoints):
        os.environ.update(
            variables_of(run, function),
            AWS_ACCESS_KEY_ID=rights["AccessKeyId"],
            AWS_SECRET_ACCESS_KEY=rights["SecretAccessKey"],
            AWS_SESSION_TOKEN=rights["SessionToken"],
        )
        with closing(AppContext(Settings.from_environment())) as ctx:
            yield ctx


def variables_of(run: Pipeline, function: str) -> dict[str, str]:
    return dict(
        run.lambdas.get_function_configuration(FunctionName=resource_name(function))["Environment"]["Variables"]
    )
