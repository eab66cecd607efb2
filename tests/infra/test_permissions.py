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
    call_error_processor,
    call_exporter,
    call_mailer,
    call_parser,
    call_report_link,
    call_validator,
    call_watchdog,
    get_environment,
)
from tests.integration.pipeline.test_function_roles import role_of
from tests.support.http_scenarios import call_api, call_webhook
from tests.support.running_pipeline import Pipeline
from tests.support.template_names import short_name

SCENARIOS: dict[str, Callable[[Pipeline], Generator[str]]] = {
    "csv-parser": call_parser,
    "product-validator": call_validator,
    "error-processor": call_error_processor,
    "mailer": call_mailer,
    "report-link": call_report_link,
    "watchdog": call_watchdog,
    "api": call_api,
    "webhook": call_webhook,
    "exporter": call_exporter,
}
"""Scenarios by function. The outcomes of a scenario are always the same while the role allows its calls."""

TEMPLATE = load_template("pipeline", {}, "0" * 12, "us-east-1")

POLLS_SOURCE = "Lambda polls the source with the function's role"
STORES_FAILURES = "Lambda stores failed events with the function's role"
STATEMENTS_OF_LAMBDA = {
    "WriteLogs": "Lambda writes the logs with the function's role",
    "ReadStream": POLLS_SOURCE,
    "FindStream": POLLS_SOURCE,
    "KeepFailedEvents": STORES_FAILURES,
    "FindFailedBatches": STORES_FAILURES,
    "KeepFailedBatches": STORES_FAILURES,
    "ManageInterfaces": "Lambda creates the network interfaces with the function's role",
    "DenyToFunctionCode": "a denial",
    "ListToDetectMissingObjects": "without it S3 responds with 403, not 404; the AWS emulator always with 404",
}
ACTIONS_OF_LAMBDA = {
    ("error-processor", "sqs:ReceiveMessage"),
    ("error-processor", "sqs:DeleteMessage"),
    ("error-processor", "sqs:GetQueueAttributes"),
}


@pytest.fixture(scope="module")
def untriggered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """Yield a pipeline without triggers, in which only the tests call functions."""
    with LocalStack(tmp_path_factory.mktemp("untriggered")) as stack, Pipeline(stack.endpoints) as run:
        run.s3.put_bucket_notification_configuration(Bucket=stack.endpoints.bucket, NotificationConfiguration={})
        for mapping in run.lambdas.list_event_source_mappings()["EventSourceMappings"]:
            run.lambdas.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
        with run.without_schedules():
            yield run


def get_policy(run: Pipeline, function: str) -> tuple[str, str, dict[str, Any]]:
    iam = run.endpoints.client("iam")
    role = role_of(run, function)
    [policy] = iam.list_role_policies(RoleName=role)["PolicyNames"]
    return role, policy, iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]


@contextmanager
def remove_action(run: Pipeline, function: str, sid: str, action: str) -> Iterator[None]:
    """Remove an action from the role of a function, and restart the function."""
    iam = run.endpoints.client("iam")
    role, policy, document = get_policy(run, function)

    def put(statements: list[Any]) -> None:
        text = json.dumps({**document, "Statement": statements})
        iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=text)
        restart_function(run, function)

    statements = []
    for statement in document["Statement"]:
        actions = [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
        remaining = [item for item in actions if not (statement["Sid"] == sid and item == action)]
        if remaining:
            statements.append({**statement, "Action": remaining})
    put(statements)
    try:
        yield
    finally:
        put(document["Statement"])


def restart_function(run: Pipeline, function: str) -> None:
    """Make the next call start a new process, without a connection or a cached secret."""
    variables = {**get_environment(run, function), "START": uuid.uuid4().hex}
    run.lambdas.update_function_configuration(
        FunctionName=resource_name(function), Environment={"Variables": variables}
    )


def list_actions(run: Pipeline, function: str) -> list[tuple[str, str]]:
    """Return the statement's ID and the name of each action that a function's role allows."""
    allowed = []
    for statement in get_policy(run, function)[2]["Statement"]:
        actions = [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
        allowed += [(statement["Sid"], action) for action in actions]
    return allowed


@pytest.mark.parametrize("function", SCENARIOS)
def test_role_without_one_action_fails(untriggered: Pipeline, function: str) -> None:
    restart_function(untriggered, function)
    expected = run_scenario(untriggered, function)
    assert not any("denied" in outcome for outcome in expected), expected
    unneeded = []
    for sid, action in list_actions(untriggered, function):
        if sid in STATEMENTS_OF_LAMBDA or (function, action) in ACTIONS_OF_LAMBDA:
            continue
        with remove_action(untriggered, function, sid, action):
            if not outcomes_differ(untriggered, function, expected):
                unneeded.append((sid, action))
    assert unneeded == [], f"{function} does not need {unneeded}"
    assert run_scenario(untriggered, function) == expected


def test_permissions_cover_every_function() -> None:
    functions = TEMPLATE.resources_of_type("AWS::Lambda::Function")
    assert {short_name(properties["FunctionName"]) for properties in functions.values()} == set(SCENARIOS)


def test_daily_call_of_http_functions_does_not_fail(untriggered: Pipeline) -> None:
    [rule] = [rule for name, rule in TEMPLATE.resources_of_type("AWS::Events::Rule").items() if name == "DailyCall"]
    functions = TEMPLATE.resources_of_type("AWS::Lambda::Function")
    statuses = {}
    for target in rule["Targets"]:
        logical_name = target["Arn"]["Fn::GetAtt"][0]
        name = TEMPLATE.evaluate(functions[logical_name]["FunctionName"])
        response = untriggered.lambdas.invoke(FunctionName=name, Payload=target["Input"].encode())
        assert "FunctionError" not in response
        statuses[logical_name] = json.loads(response["Payload"].read())["statusCode"]
    assert set(statuses) == {"Api", "ReportLink"}
    assert all(400 <= status < 500 for status in statuses.values())


RATE_ALARMS = [
    short_name(alarm["AlarmName"])
    for alarm in TEMPLATE.resources_of_type("AWS::CloudWatch::Alarm").values()
    if short_name(alarm["AlarmName"]).endswith("-error-rate")
]


@pytest.mark.parametrize("function", [name.removesuffix("-error-rate") for name in RATE_ALARMS])
def test_function_failure_counts_in_the_metric_of_its_alarm(untriggered: Pipeline, function: str) -> None:
    alarms = TEMPLATE.resources_of_type("AWS::CloudWatch::Alarm").values()
    [alarm] = [alarm for alarm in alarms if short_name(alarm["AlarmName"]) == f"{function}-error-rate"]
    required = {"report-link": ("ReadLinkKeys", "secretsmanager:GetSecretValue")}
    removed = required.get(function, ("ReadDatabaseSecret", "secretsmanager:GetSecretValue"))
    with remove_action(untriggered, function, *removed), closing(SCENARIOS[function](untriggered)) as outcomes:
        outcome = next(outcomes)
    if alarm["Namespace"] == "AWS/ApiGateway":
        assert (alarm["MetricName"], outcome) == ("5xx", "500")
    else:
        # Lambda counts calls that fail, not responses.
        assert alarm["MetricName"] == "Errors"
        assert re.match(r"[\w.]+: ", outcome), outcome


def run_scenario(run: Pipeline, function: str) -> list[str]:
    """Return the outcomes of all calls of a function's scenario."""
    return [_normalize(outcome) for outcome in SCENARIOS[function](run)]


def outcomes_differ(run: Pipeline, function: str, expected: list[str]) -> bool:
    """Return whether a call of a function's scenario has another outcome, without the calls after the first of them."""
    with closing(SCENARIOS[function](run)) as outcomes:
        return any(_normalize(outcome) != other for outcome, other in zip(outcomes, expected, strict=False))


def _normalize(outcome: str) -> str:
    """Return an outcome without the IDs that differ from call to call."""
    if "AccessDenied" in outcome or "not authorized" in outcome:
        return "denied"
    return re.sub(r"UPLOAD_\w+|E?[0-9a-f]{24,32}", "…", outcome)
