"""Tests of the bill: its default is below the contract's limit, and its resources match the templates."""

from __future__ import annotations

import json

import pytest

from onboarding.cli.main import main
from onboarding.cloudformation.templates import load_template
from onboarding.deploy.cost import bill as cost
from onboarding.deploy.cost.bill import Choice, calculate_bill, compare_choices, sum_usd
from onboarding.lambda_handlers.telemetry import Metric
from tests.infra import request_counting
from tests.support.template_names import short_name

TEMPLATES = {
    name: load_template(name, {}, "000000000000", "us-east-1")
    for name in ("registry", "network", "database", "pipeline", "operations")
}


def test_bill_default_is_under_twenty_dollars() -> None:
    assert sum_usd(calculate_bill(Choice())) < 20


def test_bill_without_uploads_is_the_fixed_cost() -> None:
    idle = sum_usd(calculate_bill(Choice(uploads=0)))
    assert 10 < idle < sum_usd(calculate_bill(Choice()))


def test_choices_all_cost_more_than_the_default() -> None:
    (_, default), *alternatives = compare_choices(Choice())
    assert all(usd > default for _, usd in alternatives)


def test_bill_unknown_instance_class_raises() -> None:
    with pytest.raises(LookupError, match=r"db\.x"):
        calculate_bill(Choice(instance_class="db.x"))


def test_bill_fixed_resources_match_the_templates() -> None:
    alarms = [p for t in TEMPLATES.values() for p in t.resources_of_type("AWS::CloudWatch::Alarm").values()]
    assert all("MetricName" in alarm for alarm in alarms), (
        "an alarm with an expression costs one alarm metric for each of its metrics"
    )
    assert len(alarms) == cost.ALARM_METRICS
    secrets = {
        short_name(p["Name"])
        for t in TEMPLATES.values()
        for p in t.resources_of_type("AWS::SecretsManager::Secret").values()
    }
    assert len(secrets) == cost.SECRETS
    repositories = TEMPLATES["registry"].resources_of_type("AWS::ECR::Repository").values()
    assert len(list(repositories)) == cost.REPOSITORIES
    for repository in repositories:
        policy = json.loads(repository["LifecyclePolicy"]["LifecyclePolicyText"])
        assert policy["rules"][0]["selection"]["countNumber"] == cost.RETAINED_IMAGES
    functions = TEMPLATES["pipeline"].resources_of_type("AWS::Lambda::Function").values()
    sizes = {short_name(p["FunctionName"]): p["MemorySize"] for p in functions}
    assert sizes == cost.MEMORY
    endpoints = TEMPLATES["network"].resources_of_type("AWS::EC2::VPCEndpoint").values()
    assert sum(p["VpcEndpointType"] == "Interface" for p in endpoints) == cost.INTERFACE_ENDPOINTS
    assert len(Metric) == cost.CUSTOM_METRICS


def test_prices_all_have_a_source() -> None:
    prices = {name for name, value in cost.load_prices().items() if not isinstance(value, str)} - {"free", "checked"}
    checked = cost.load_prices()["checked"]
    assert set(checked) - {"free"} == prices
    assert set(checked["free"]) == set(cost.load_prices()["free"])


def test_seconds_smaller_function_computes_longer() -> None:
    assert cost.estimate_seconds("mailer", 100, 0) == pytest.approx(0.1)
    assert cost.estimate_seconds("mailer", 100, 100) == pytest.approx(0.1 * 1769 / 256)


def test_cost_command_prints_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cost", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["usd"] < 20
    assert main(["cost", "--network", "nat", "--multi-az"]) == 0
    assert "NAT gateway" in capsys.readouterr().out
    assert main(["cost", "--instance-class", "db.x"]) == 1


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"a": {"S": "x" * 1_022}}, 1),
        ({"a": {"S": "x" * 1_024}}, 2),
        ({"m": {"M": {"n": {"N": "12.5"}}}}, 1),
    ],
)
def test_write_units_are_rounded_up_to_kibibytes(item: request_counting.Attributes, expected: int) -> None:
    assert request_counting.calculate_item_units(item) == expected
    request = {"RequestItems": {"UploadRecords": [{"PutRequest": {"Item": item}}]}}
    assert request_counting.calculate_write_units("BatchWriteItem", request) == 2 * expected
