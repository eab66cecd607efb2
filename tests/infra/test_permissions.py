"""Tests that roles allow only the required actions: without any one of them, a call of the function fails.

The AWS emulator enforces roles for the functions' own calls. It uses root for the actions of the Lambda service
before and after the code (logs, polling a stream or a queue, storing failed events), so these actions are listed here
with their reasons.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from onboarding.cloudformation.templates import load_template
from onboarding.domain.resource_names import resource_name
from onboarding.local.stack import LocalStack
from tests.infra.function_scenarios import (
    link_calls,
    mailer_calls,
    parser_calls,
    processor_calls,
    validator_calls,
    variables_of,
    watchdog_calls,
)
from tests.integration.pipeline.test_function_roles import role_of
from tests.support.http_scenarios import api_calls, webhook_calls
from tests.support.running_pipeline import Pipeline
from tests.support.template_names import short_name

CALLS: dict[str, Callable[[Pipeline], Generator[str]]] = {
    "csv-parser": parser_calls,
    "product-validator": validator_calls,
    "error-processor": processor_calls,
    "mailer": mailer_calls,
    "report-link": link_calls,
    "watchdog": watchdog_calls,
    "api": api_calls,
    "webhook": webhook_calls,
}
"""By function; each call ends the same way every time, as long as the role allows it."""

TEMPLATE = load_template("pipeline", {}, "0" * 12, "us-east-1")

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
    "DenyToFunctionCode": "a denial",
    "ListToDetectMissingObjects": "without it S3 answers 403 instead of 404; the AWS emulator always answers 404",
}
BY_LAMBDA_ACTIONS = {
    ("error-processor", "sqs:ReceiveMessage"),
    ("error-processor", "sqs:DeleteMessage"),
    ("error-processor", "sqs:GetQueueAttributes"),
}


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """A pipeline in which nothing happens by itself: only the tests call functions."""
    with LocalStack(tmp_path_factory.mktemp("quiet")) as engine, Pipeline(engine.endpoints) as run:
        run.s3.put_bucket_notification_configuration(Bucket=engine.endpoints.bucket, NotificationConfiguration={})
        for mapping in run.lambdas.list_event_source_mappings()["EventSourceMappings"]:
            run.lambdas.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
        with run.without_schedules():
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
    variables = {**variables_of(run, function), "START": uuid.uuid4().hex}
    run.lambdas.update_function_configuration(
        FunctionName=resource_name(function), Environment={"Variables": variables}
    )


def actions_of(run: Pipeline, function: str) -> list[tuple[str, str]]:
    found = []
    for statement in document_of(run, function)[2]["Statement"]:
        actions = [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
        found += [(statement["Sid"], action) for action in actions]
    return found


@pytest.mark.parametrize("function", CALLS)
def test_role_without_one_action_fails(quiet: Pipeline, function: str) -> None:
    start_anew(quiet, function)
    as_it_should_be = ends_of(quiet, function)
    assert not any("denied" in end for end in as_it_should_be), as_it_should_be
    needless = []
    for sid, action in actions_of(quiet, function):
        if sid in BY_LAMBDA or (function, action) in BY_LAMBDA_ACTIONS:
            continue
        with without(quiet, function, sid, action):
            if not differs(quiet, function, as_it_should_be):
                needless.append((sid, action))
    assert needless == [], f"{function} does not need {needless}"
    assert ends_of(quiet, function) == as_it_should_be


def test_permissions_cover_every_function() -> None:
    functions = TEMPLATE.resources_of_type("AWS::Lambda::Function")
    assert {short_name(properties["FunctionName"]) for properties in functions.values()} == set(CALLS)


def test_daily_call_of_http_functions_does_not_fail(quiet: Pipeline) -> None:
    [rule] = [rule for name, rule in TEMPLATE.resources_of_type("AWS::Events::Rule").items() if name == "DailyCall"]
    functions = TEMPLATE.resources_of_type("AWS::Lambda::Function")
    statuses = {}
    for target in rule["Targets"]:
        logical = target["Arn"]["Fn::GetAtt"].removesuffix(".Arn")
        name = TEMPLATE.evaluate(functions[logical]["FunctionName"])
        response = quiet.lambdas.invoke(FunctionName=name, Payload=target["Input"].encode())
        assert "FunctionError" not in response
        statuses[logical] = json.loads(response["Payload"].read())["statusCode"]
    assert set(statuses) == {"Api", "ReportLink"}
    assert all(400 <= status < 500 for status in statuses.values())


@pytest.mark.parametrize("function", [function for function in CALLS if function != "watchdog"])
def test_function_failure_counts_in_the_metric_of_its_alarm(quiet: Pipeline, function: str) -> None:
    alarms = TEMPLATE.resources_of_type("AWS::CloudWatch::Alarm").values()
    [alarm] = [alarm for alarm in alarms if short_name(alarm["AlarmName"]) == f"{function}-error-rate"]
    faults = {
        "mailer": ("ClaimMails", "dynamodb:PutItem"),
        "webhook": ("ReadWebhooks", "dynamodb:GetItem"),
        "report-link": ("ReadLinkKeys", "secretsmanager:GetSecretValue"),
    }
    missing = faults.get(function, ("ReadDatabaseSecret", "secretsmanager:GetSecretValue"))
    with without(quiet, function, *missing), closing(CALLS[function](quiet)) as ends:
        end = next(ends)
    if alarm["Namespace"] == "AWS/ApiGateway":
        assert (alarm["MetricName"], end) == ("5xx", "500")
    else:
        # What Lambda counts: a call that failed, and none that answered.
        assert alarm["MetricName"] == "Errors"
        assert re.match(r"[\w.]+: ", end), end


def ends_of(run: Pipeline, function: str) -> list[str]:
    return [_plain(end) for end in CALLS[function](run)]


def differs(run: Pipeline, function: str, expected: list[str]) -> bool:
    """Whether some call now ends in another way; those after the first such call are not made."""
    with closing(CALLS[function](run)) as ends:
        return any(_plain(end) != wanted for end, wanted in zip(ends, expected, strict=False))


def _plain(end: str) -> str:
    """An outcome without the ids that differ from call to call."""
    if "AccessDenied" in end or "not authorized" in end:
        return "denied"
    return re.sub(r"UPLOAD_\w+|[0-9a-f]{32}", "…", end)
