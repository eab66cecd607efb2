"""Tests of the alarms on the AWS emulator: each fires for its values only, and its notification reaches operators."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from onboarding.aws import dead_letter_queues
from onboarding.cloudformation.templates import load_template
from onboarding.deploy.stack_ownership import DeploymentStacks
from onboarding.domain.resource_names import resource_name
from tests.infra.conftest import empty_account
from tests.support.doc_pages import rows
from tests.support.template_names import short_name

TEMPLATES = {name: load_template(name, {}, "000000000000", "us-east-1") for name in ("pipeline", "operations")}
ALARMS = {
    short_name(alarm["AlarmName"]): alarm
    for template in TEMPLATES.values()
    for alarm in template.resources_of_type("AWS::CloudWatch::Alarm").values()
}
RUNBOOK = Path(__file__).parents[2] / "docs" / "operations.md"


@pytest.fixture(scope="module")
def account_with_alarms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Yield an account with the alarms only, the queue with the operators' notifications, and their topic."""
    with empty_account(tmp_path_factory.mktemp("alarms")) as account:
        sns, sqs = account.client("sns"), account.client("sqs")
        topic = sns.create_topic(Name=resource_name("alarms"))["TopicArn"]
        queue = sqs.create_queue(QueueName="operators")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        allowed = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        account.client("s3").create_bucket(Bucket="templates")
        stacks = DeploymentStacks(account.client, "templates", {}, lambda _: None, pause=0.02)
        parameters = {"Stage": "local", "AlarmTopicArn": topic, "ApiId": "a"}
        stacks.apply("operations", load_template("operations", parameters))
        yield account, queue, topic


@pytest.mark.parametrize("name", sorted(ALARMS))
def test_alarm_breached_threshold_notifies_operators(account_with_alarms: Any, name: str) -> None:
    account, queue, topic = account_with_alarms
    alarm = ALARMS[name]
    # The AWS emulator ignores the dimensions of metrics, so each alarm has a separate metric name.
    metric = f"{alarm['MetricName']}-{name}"
    cloudwatch = account.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName=f"{name}-test",
        AlarmActions=[topic],
        MetricName=metric,
        **{
            key: alarm[key]
            for key in ("Namespace", "Statistic", "Period", "EvaluationPeriods", "ComparisonOperator", "Threshold")
        },
        **({"DatapointsToAlarm": alarm["DatapointsToAlarm"]} if "DatapointsToAlarm" in alarm else {}),
    )

    def put_values(values: Sequence[float]) -> str:
        """Send values of the metric, and return the state of the alarm."""
        datum = {"MetricName": metric, "Timestamp": datetime.now(UTC), "Values": values}
        cloudwatch.put_metric_data(Namespace=alarm["Namespace"], MetricData=[datum])
        [current] = cloudwatch.describe_alarms(AlarmNames=[f"{name}-test"])["MetricAlarms"]
        return str(current["StateValue"])

    normal, breaching = make_metric_values(alarm)
    assert put_values(normal) == "OK"
    assert put_values(breaching) == "ALARM"
    messages = account.client("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=5).get("Messages", [])
    assert any(f"{name}-test" in message["Body"] for message in messages)
    for message in messages:
        account.client("sqs").delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])


def make_metric_values(alarm: Mapping[str, Any]) -> tuple[list[float], list[float]]:
    """Return values for which the alarm does not fire, and further values that make it fire."""
    if alarm["MetricName"] in {"Errors", "5xx"}:
        # Ten of a hundred calls or requests failed; then one more fails.
        return [1.0] * 10 + [0.0] * 90, [1.0]
    threshold = float(alarm["Threshold"])
    return [threshold], [threshold + (1 if alarm["ComparisonOperator"] == "GreaterThanThreshold" else -1)]


def test_alarm_stalled_uploads_in_nonconsecutive_periods_fires() -> None:
    rules = TEMPLATES["pipeline"].resources_of_type("AWS::Events::Rule")
    alarm = ALARMS["uploads-stalled"]
    # The times of scheduled runs vary, so two runs may be in the same period and none in the next.
    assert (rules["WatchdogSchedule"]["ScheduleExpression"], alarm["Period"]) == ("rate(5 minutes)", 300)
    assert alarm["DatapointsToAlarm"] == 3 < alarm["EvaluationPeriods"]


def test_alarm_upload_events_hidden_by_a_retry_stays_on() -> None:
    alarm = ALARMS["csv-parser-failures-not-empty"]
    next_run = 300
    assert alarm["EvaluationPeriods"] * alarm["Period"] >= dead_letter_queues.AUTOMATIC_RETRY_SECONDS + next_run
    assert alarm["DatapointsToAlarm"] == 1


def test_every_alarm_is_documented() -> None:
    names = [name for cells in rows(RUNBOOK.read_text(encoding="utf-8")) for name in cells[0].split("`, `")]
    assert sorted(name for name in names if name in ALARMS) == sorted(ALARMS)


def test_dashboard_widgets_reference_existing_resources() -> None:
    [dashboard] = TEMPLATES["operations"].resources_of_type("AWS::CloudWatch::Dashboard").values()
    body = json.loads(dashboard["DashboardBody"]["Fn::Sub"])
    metrics = [metric for widget in body["widgets"] for metric in widget["properties"]["metrics"]]
    assert len(metrics) <= 50, "more than 50 metrics cost extra"
    functions = {
        p["FunctionName"]["Fn::Sub"] for p in TEMPLATES["pipeline"].resources_of_type("AWS::Lambda::Function").values()
    }
    function_names = {metric[3] for metric in metrics if metric[0] == "AWS/Lambda"}
    assert function_names == functions
    rates = {(a["Namespace"], a["MetricName"]) for name, a in ALARMS.items() if name.endswith("-error-rate")}
    assert rates <= {tuple(metric[:2]) for metric in metrics}
    queues = {p["QueueName"]["Fn::Sub"] for p in TEMPLATES["pipeline"].resources_of_type("AWS::SQS::Queue").values()}
    assert {metric[3] for metric in metrics if metric[0] == "AWS/SQS"} <= queues


def test_saved_queries_reference_existing_log_groups() -> None:
    groups = {
        p["LogGroupName"]["Fn::Sub"] for p in TEMPLATES["pipeline"].resources_of_type("AWS::Logs::LogGroup").values()
    }
    queries = TEMPLATES["operations"].resources_of_type("AWS::Logs::QueryDefinition").values()
    assert len(list(queries)) == 4
    for query in queries:
        assert {group["Fn::Sub"] for group in query["LogGroupNames"]} <= groups
