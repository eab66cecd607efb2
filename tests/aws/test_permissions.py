"""Each role allows what its function does and nothing else: with any one action taken away, something fails.

The function's own calls are tried on the engine, which enforces roles. What the Lambda service does with a role before
and after the code (logs, polling a stream or a queue, keeping failed events) the engine does as root; those actions are
listed, with the reason why each is there.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from onboarding.local.up import LocalEngine
from tests.pipeline import Pipeline, csv_of, product
from tests.test_roles import role_of

FUNCTIONS = ("csv-parser", "product-validator", "error-processor", "mailer", "watchdog")

POLLING = "Lambda polls the source with the function's role"
KEEPING = "Lambda keeps failed events with the function's role"
BY_LAMBDA = {
    "WriteLogs": "Lambda writes the logs with the function's role",
    "ReadStream": POLLING,
    "FindStream": POLLING,
    "KeepFailedEvents": KEEPING,
    "FindFailedBatches": KEEPING,
    "KeepFailedBatches": KEEPING,
    "ManageInterfaces": "Lambda makes the interfaces with the function's role",
    "NotByTheCode": "a denial",
    "TellGoneFromForbidden": "without it S3 answers 403 instead of 404; the engine always answers 404",
}
BY_LAMBDA_ACTIONS = {
    ("error-processor", "sqs:ReceiveMessage"),
    ("error-processor", "sqs:DeleteMessage"),
    ("error-processor", "sqs:GetQueueAttributes"),
}


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """A pipeline in which nothing happens by itself: only the tests call functions."""
    with LocalEngine(tmp_path_factory.mktemp("quiet")) as engine, Pipeline(engine.endpoints) as run:
        run.s3.put_bucket_notification_configuration(Bucket=engine.endpoints.bucket, NotificationConfiguration={})
        for mapping in run.lambdas.list_event_source_mappings()["EventSourceMappings"]:
            run.lambdas.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
        yield run


def document_of(run: Pipeline, function: str) -> tuple[str, str, dict[str, Any]]:
    iam = run.endpoints.client("iam")
    role = role_of(run, function)
    [policy] = iam.list_role_policies(RoleName=role)["PolicyNames"]
    return role, policy, iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]


@contextmanager
def without(run: Pipeline, function: str, sid: str, action: str) -> Iterator[None]:
    """The function's role without one action, and the function as if it had never run."""
    iam = run.endpoints.client("iam")
    role, policy, document = document_of(run, function)

    def put(statements: list[Any]) -> None:
        text = json.dumps({**document, "Statement": statements})
        iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=text)
        start_anew(run, function)

    left = []
    for statement in document["Statement"]:
        actions = [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
        remaining = [one for one in actions if not (statement["Sid"] == sid and one == action)]
        if remaining:
            left.append({**statement, "Action": remaining})
    put(left)
    try:
        yield
    finally:
        put(document["Statement"])


def start_anew(run: Pipeline, function: str) -> None:
    """A fresh process, which holds neither a connection nor a secret."""
    variables = run.lambdas.get_function_configuration(FunctionName=function)["Environment"]["Variables"]
    run.lambdas.update_function_configuration(
        FunctionName=function, Environment={"Variables": {**variables, "START": uuid.uuid4().hex}}
    )


def outcome(run: Pipeline, function: str, event: dict[str, Any]) -> str:
    """How a call ends: `well`, or with which error."""
    answer = run.lambdas.invoke(FunctionName=function, Payload=json.dumps(event).encode())
    body = json.loads(answer["Payload"].read() or b"null")
    return f"{body.get('errorType')}: {body.get('errorMessage')}" if answer.get("FunctionError") else "well"


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
    upload_id, event = announced(run, "VEND001", two_rows())
    assert outcome(run, "csv-parser", event) == "well"
    images = [run.item(upload_id, number) for number in (1, 2)]
    return upload_id, {"Records": [{"eventName": "INSERT", "dynamodb": {"NewImage": image}} for image in images]}


def complete(run: Pipeline) -> str:
    upload_id, event = staged(run)
    assert outcome(run, "product-validator", event) == "well"
    return upload_id


def queued(body: str) -> dict[str, Any]:
    attributes = {"ApproximateReceiveCount": "1"}
    return {"Records": [{"messageId": "m", "receiptHandle": "r", "body": body, "attributes": attributes}]}


def result(upload_id: str, email: str = "vendor@vendors.example") -> dict[str, Any]:
    told = {
        "upload_id": upload_id,
        "vendor_id": "VEND001",
        "vendor_name": "TechGear",
        "vendor_email": email,
        "file_name": "file.csv",
        "status": "partial",
        "total_records": 2,
        "valid_records": 1,
        "error_records": 1,
        "failure_reason": None,
        "error_file_s3_key": f"errors/VEND001/{upload_id}_errors.csv",
    }
    return {"Records": [{"Sns": {"Message": json.dumps(told)}}]}


def parser_calls(run: Pipeline) -> list[str]:
    nobody = announced(run, "NOBODY", two_rows())[1]
    refused = announced(run, "VEND001", b"")[1]
    unversioned = announced(run, "VEND001", two_rows(), versioned=False)[1]
    good = announced(run, "VEND001", two_rows())[1]
    return [outcome(run, "csv-parser", event) for event in (good, unversioned, refused, nobody)]


def validator_calls(run: Pipeline) -> list[str]:
    return [outcome(run, "product-validator", staged(run)[1])]


def processor_calls(run: Pipeline) -> list[str]:
    finished = queued(json.dumps({"upload_id": complete(run)}))
    events = (finished, queued("not ours"))
    ends = [run.lambdas.invoke(FunctionName="error-processor", Payload=json.dumps(event).encode()) for event in events]
    # A failed message is an answer here, not a failed call.
    return [end["Payload"].read().decode() for end in ends]


def mailer_calls(run: Pipeline) -> list[str]:
    event = result(f"UPLOAD_{uuid.uuid4().hex[:12]}")
    twice = [outcome(run, "mailer", event), outcome(run, "mailer", event)]
    # A mail that is refused gives its claim back; SES knows no sender of that name.
    with another_sender(run):
        return [*twice, outcome(run, "mailer", result(f"UPLOAD_{uuid.uuid4().hex[:12]}"))]


@contextmanager
def another_sender(run: Pipeline) -> Iterator[None]:
    variables = run.lambdas.get_function_configuration(FunctionName="mailer")["Environment"]["Variables"]
    changed = {**variables, "MAIL_SENDER": "nobody@unverified.example"}
    run.lambdas.update_function_configuration(FunctionName="mailer", Environment={"Variables": changed})
    try:
        yield
    finally:
        run.lambdas.update_function_configuration(FunctionName="mailer", Environment={"Variables": variables})


def watchdog_calls(run: Pipeline) -> list[str]:
    """A stuck upload, one that nobody was told of, and an object that S3 announced to nobody."""
    run.connection.execute("truncate upload_history, products cascade")
    staged(run)
    complete(run)
    run.connection.execute(
        "update upload_history set last_progress_at = now() - interval '1 hour', "
        "processing_completed_at = processing_completed_at - interval '1 hour'"
    )
    announced(run, "NOBODY", two_rows())
    ends = [outcome(run, "watchdog", {})]
    # The sweep passes over what is younger than five minutes, so that the event has time to come.
    return [*ends, outcome(run, "watchdog", {"sweep": True})]


CALLS: dict[str, Callable[[Pipeline], list[str]]] = {
    "csv-parser": parser_calls,
    "product-validator": validator_calls,
    "error-processor": processor_calls,
    "mailer": mailer_calls,
    "watchdog": watchdog_calls,
}
# Reached only by objects that are older than the sweep's patience, which S3 cannot be told to make.
NOT_REACHED = {("watchdog", "sns:Publish")}


def actions_of(run: Pipeline, function: str) -> list[tuple[str, str]]:
    found = []
    for statement in document_of(run, function)[2]["Statement"]:
        actions = [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
        found += [(statement["Sid"], action) for action in actions]
    return found


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_role_without_any_one_action_is_not_enough(quiet: Pipeline, function: str) -> None:
    start_anew(quiet, function)
    as_it_should_be = [_plain(end) for end in CALLS[function](quiet)]
    assert "denied" not in as_it_should_be
    needless = []
    for sid, action in actions_of(quiet, function):
        if sid in BY_LAMBDA or (function, action) in BY_LAMBDA_ACTIONS | NOT_REACHED:
            continue
        with without(quiet, function, sid, action):
            if [_plain(end) for end in CALLS[function](quiet)] == as_it_should_be:
                needless.append(action)
    assert needless == [], f"{function} does not need {needless}"
    assert [_plain(end) for end in CALLS[function](quiet)] == as_it_should_be


def _plain(end: str) -> str:
    """An outcome without the ids that differ from call to call."""
    if "AccessDenied" in end or "not authorized" in end:
        return "denied"
    return end.split(":", 1)[0] if "UPLOAD_" in end else end
