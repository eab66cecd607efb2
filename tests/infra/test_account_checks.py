"""Tests of the checks of reserved concurrency and Availability Zones."""

from __future__ import annotations

from typing import Any
from unittest.mock import MagicMock

import boto3
import pytest
from botocore.exceptions import ClientError

from onboarding.cloudformation.stack_runner import MakeClient
from onboarding.cloudformation.templates import load_template
from onboarding.deploy import availability_zones, reserved_concurrency
from onboarding.deploy.check_findings import Finding
from onboarding.deploy.deployment_steps import make_client_factory
from onboarding.deploy.plan import Plan
from tests.infra.stubbed_account import Responses, healthy_account, install_responses, make_offer

TEMPLATE = load_template("pipeline", {}, "0" * 12, "us-east-1")
RESERVATIONS = reserved_concurrency.list_reservations(Plan())
TOTAL = sum(RESERVATIONS.values())


def account(unreserved: int, **reserved: int) -> Any:
    """Return clients of an account with this unreserved concurrency, and the reservations of its functions."""
    client = MagicMock()

    def concurrency_of(FunctionName: str) -> dict[str, int]:  # noqa: N803
        if FunctionName not in reserved:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "GetFunctionConcurrency")
        return {"ReservedConcurrentExecutions": reserved[FunctionName]} if reserved[FunctionName] else {}

    limit = {"ConcurrentExecutions": 1_000, "UnreservedConcurrentExecutions": unreserved}
    client("lambda").get_account_settings.return_value = {"AccountLimit": limit}
    client("lambda").get_function_concurrency.side_effect = concurrency_of
    return client


def findings(client: Any, **parameters: str) -> list[Finding]:
    return list(reserved_concurrency.check_concurrency(client, Plan(pipeline_parameters=parameters)))


def test_reservations_include_every_function_of_the_template() -> None:
    functions = TEMPLATE.resources_of_type("AWS::Lambda::Function").items()
    reserving = [name for name, properties in functions if "ReservedConcurrentExecutions" in properties]
    assert set(RESERVATIONS) == {f"{name}Concurrency" for name in reserving}
    assert {"CsvParserConcurrency", "ProductValidatorConcurrency", "ApiConcurrency"} <= set(RESERVATIONS)
    assert all(value == int(TEMPLATE.parameter_value(name)) for name, value in RESERVATIONS.items())
    plan = Plan(pipeline_parameters={"ApiConcurrency": "40"})
    assert reserved_concurrency.list_reservations(plan) == RESERVATIONS | {"ApiConcurrency": 40}


@pytest.mark.parametrize(
    ("unreserved", "reserved", "expected"),
    [
        (1_000, {}, None),
        (reserved_concurrency.MIN_UNRESERVED + TOTAL, {}, None),
        # Other functions of the account have reserved the rest.
        (reserved_concurrency.MIN_UNRESERVED + TOTAL - 1, {}, (8, 8, 24, 8, 0)),
        (reserved_concurrency.MIN_UNRESERVED + 16, {}, (8, 8, 0, 0, 0)),
        (reserved_concurrency.MIN_UNRESERVED + 15, {}, (8, 0, 0, 0, 2)),
        # csv-parser gets a smaller reservation: without one, each file of a burst would connect to the database.
        (reserved_concurrency.MIN_UNRESERVED + 3, {}, (3, 0, 0, 0, 0)),
        (reserved_concurrency.MIN_UNRESERVED, {}, (0, 0, 0, 0, 0)),
        (10, {}, (0, 0, 0, 0, 0)),
        # The pipeline's functions keep their reservations.
        (reserved_concurrency.MIN_UNRESERVED, {"csv-parser": TOTAL}, None),
        (reserved_concurrency.MIN_UNRESERVED, {"csv-parser": TOTAL - 1, "product-onboarding-api": 0}, (8, 8, 24, 8, 0)),
    ],
)
def test_concurrency_small_account_is_distributed_in_the_order_of_an_upload(
    unreserved: int, reserved: dict[str, int], expected: tuple[int, ...] | None
) -> None:
    client = account(unreserved, **reserved)
    parameters = reserved_concurrency.reduce_reservations(client, Plan())
    # Without reservations eight validators could take most of a new account's ten executions.
    assert parameters.pop("StreamParallelization", None) == ("1" if expected == (0, 0, 0, 0, 0) else None)
    order = (
        "CsvParserConcurrency",
        "ProductValidatorConcurrency",
        "ApiConcurrency",
        "WebhookConcurrency",
        "ExporterConcurrency",
    )
    assert parameters == (dict(zip(order, map(str, expected), strict=True)) if expected else {})
    assert [finding.blocks for finding in findings(client)] == ([False] if expected else [])


def test_concurrency_explicit_reservation_is_used_or_stops_the_deployment() -> None:
    client = account(reserved_concurrency.MIN_UNRESERVED + 16)
    plan = Plan(pipeline_parameters={"ProductValidatorConcurrency": "16"})
    other_parameters = [name for name in RESERVATIONS if name != "ProductValidatorConcurrency"]
    assert reserved_concurrency.reduce_reservations(client, plan) == dict.fromkeys(other_parameters, "0")
    [finding] = findings(client, ProductValidatorConcurrency="16")
    assert not finding.blocks
    assert "CsvParserConcurrency=0, ProductValidatorConcurrency=16, ApiConcurrency=0" in finding.text
    [finding] = findings(client, ProductValidatorConcurrency="17")
    assert finding.blocks
    assert "ProductValidatorConcurrency=17" in finding.text


def test_concurrency_explicit_stream_parallelization_is_unchanged() -> None:
    client = account(10)
    parameters = {"StreamParallelization": "4"}
    assert "StreamParallelization" not in reserved_concurrency.reduce_reservations(
        client, Plan(pipeline_parameters=parameters)
    )
    [finding] = findings(client, **parameters)
    assert "per shard" not in finding.text


# -- Zones -------------------------------------------------------------------------------------------------------------
def make_clients(responses: Responses, monkeypatch: pytest.MonkeyPatch, region: str = "us-east-1") -> MakeClient:
    install_responses(monkeypatch, responses)
    session = boto3.session.Session(region_name=region, aws_access_key_id="test", aws_secret_access_key="test")
    return make_client_factory(session)


def test_zones_new_network_supports_database_functions_and_endpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    region = "us-east-1"
    ids = {"a": "use1-az3", "b": "use1-az1", "c": "use1-az2", "d": "use1-az4", "e": "use1-az5", "f": "use1-az6"}
    client = make_clients(
        healthy_account()
        | {
            "ec2:DescribeAvailabilityZones": {
                "AvailabilityZones": [{"ZoneName": f"{region}{letter}", "ZoneId": name} for letter, name in ids.items()]
            },
            "rds:DescribeOrderableDBInstanceOptions": {
                "OrderableDBInstanceOptions": [
                    make_offer("17.7", region, "abcdef"),
                    make_offer("18.1", region, "abcdef", StorageType="gp2"),
                    make_offer("18.0", region, "acd"),
                    make_offer("18.1", region, "acdef"),
                ]
            },
            "ec2:DescribeVpcEndpointServices": {
                "ServiceDetails": [
                    {"AvailabilityZones": [f"{region}{letter}" for letter in letters]} for letters in ("abcdf", "abdef")
                ]
            },
        },
        monkeypatch,
    )
    assert availability_zones.choose_zone_parameters(client, Plan(), {}) == {
        "ZoneA": "us-east-1d",
        "ZoneB": "us-east-1f",
    }


def test_zones_existing_network_keeps_its_zones() -> None:
    client = MagicMock()
    earlier = {"ZoneA": "us-east-1d", "ZoneB": "us-east-1f", "Outbound": "nat"}
    assert availability_zones.choose_zone_parameters(client, Plan(), earlier) == {
        "ZoneA": "us-east-1d",
        "ZoneB": "us-east-1f",
    }
    # A network of a version without these parameters keeps the first two zones of the region.
    assert availability_zones.choose_zone_parameters(client, Plan(), {"Outbound": "nat"}) == {"ZoneA": "", "ZoneB": ""}
    assert client.mock_calls == []


def test_zones_every_interface_endpoint_of_the_template_is_required(monkeypatch: pytest.MonkeyPatch) -> None:
    requested: list[str] = []

    def services(request: dict[str, Any]) -> Any:
        requested.extend(request["ServiceNames"])
        return {"ServiceDetails": []}

    client = make_clients(
        healthy_account("eu-west-1") | {"ec2:DescribeVpcEndpointServices": services}, monkeypatch, region="eu-west-1"
    )
    availability_zones.choose_zone_parameters(client, Plan(), {})
    names = ("secretsmanager", "sqs", "sns", "lambda")
    assert sorted(requested) == sorted(f"com.amazonaws.eu-west-1.{name}" for name in names)


@pytest.mark.parametrize(("subnet", "zone"), [("PrivateSubnetA", "A"), ("PrivateSubnetB", "B"), ("PublicSubnet", "A")])
def test_network_template_subnet_is_in_the_named_zone(subnet: str, zone: str) -> None:
    network = load_template("network")
    default = {"Fn::Select": [{"A": 0, "B": 1}[zone], {"Fn::GetAZs": ""}]}
    named = {"Fn::If": ["NamesZones", {"Ref": f"Zone{zone}"}, default]}
    assert network.resources_of_type("AWS::EC2::Subnet")[subnet]["AvailabilityZone"] == named
    assert network.parameter_value(f"Zone{zone}") == ""
