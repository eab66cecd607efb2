"""The bill: under the contract's limit by default, and about the pipeline as it is."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from onboarding.cli.main import main
from onboarding.deploy.cost import bill as cost
from onboarding.deploy.cost.bill import Choice, bill, choices, total
from onboarding.deploy.plan import template_text
from onboarding.local.template import Template
from tests.infra import request_counting
from tests.support.template_names import short_name

METRIC = re.compile(r'(?:measured\(|count\(metrics, )"(\w+)"')

TEMPLATES = {
    name: Template(template_text(name), {}, "000000000000", "us-east-1")
    for name in ("registry", "network", "database", "pipeline", "operations")
}


def test_the_default_is_under_twenty_dollars() -> None:
    assert total(bill(Choice())) < 20


def test_nothing_uploaded_costs_what_stands_there() -> None:
    idle = total(bill(Choice(uploads=0)))
    assert 10 < idle < total(bill(Choice()))


def test_every_choice_costs_more_than_the_default() -> None:
    (_, default), *others = choices(Choice())
    assert all(usd > default for _, usd in others)


def test_an_unknown_size_has_no_price() -> None:
    with pytest.raises(LookupError, match=r"db\.x"):
        bill(Choice(instance_class="db.x"))


def test_what_stands_there_is_counted_right() -> None:
    alarms = [p for t in TEMPLATES.values() for p in t.of_type("AWS::CloudWatch::Alarm").values()]
    assert all("MetricName" in alarm for alarm in alarms), "an alarm by an expression costs as many metrics as it has"
    assert len(alarms) == cost.ALARM_METRICS
    secrets = {
        short_name(p["Name"]) for t in TEMPLATES.values() for p in t.of_type("AWS::SecretsManager::Secret").values()
    }
    assert len(secrets) == cost.SECRETS
    repositories = TEMPLATES["registry"].of_type("AWS::ECR::Repository").values()
    assert len(list(repositories)) == cost.REPOSITORIES
    for repository in repositories:
        policy = json.loads(repository["LifecyclePolicy"]["LifecyclePolicyText"])
        assert policy["rules"][0]["selection"]["countNumber"] == cost.IMAGES_KEPT
    functions = TEMPLATES["pipeline"].of_type("AWS::Lambda::Function").values()
    sizes = {short_name(p["FunctionName"]): p["MemorySize"] for p in functions}
    assert sizes == cost.MEMORY
    endpoints = TEMPLATES["network"].of_type("AWS::EC2::VPCEndpoint").values()
    assert sum(p["VpcEndpointType"] == "Interface" for p in endpoints) == cost.INTERFACE_ENDPOINTS
    handlers = Path(cost.__file__).parents[1].joinpath("handlers").glob("*.py")
    names = {name for handler in handlers for name in METRIC.findall(handler.read_text(encoding="utf-8"))}
    assert len(names) == cost.CUSTOM_METRICS


def test_every_price_and_allowance_says_where_it_was_read() -> None:
    prices = {name for name, value in cost.prices().items() if not isinstance(value, str)} - {"free", "checked"}
    checked = cost.prices()["checked"]
    assert set(checked) - {"free"} == prices
    assert set(checked["free"]) == set(cost.prices()["free"])


def test_a_function_with_less_of_a_processor_computes_longer_and_waits_as_long() -> None:
    assert cost.seconds("mailer", 100, 0) == pytest.approx(0.1)
    assert cost.seconds("mailer", 100, 100) == pytest.approx(0.1 * 1769 / 256)


def test_the_command_prints_the_table(capsys: pytest.CaptureFixture[str]) -> None:
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
def test_write_units_are_counted_by_started_kibibytes(item: request_counting.Attributes, expected: int) -> None:
    assert request_counting.units(item) == expected
    request = {"RequestItems": {"UploadRecords": [{"PutRequest": {"Item": item}}]}}
    assert request_counting.write_units("BatchWriteItem", request) == 2 * expected
