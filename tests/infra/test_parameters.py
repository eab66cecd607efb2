"""Tests of the choices that a deployment keeps, the changes that it makes, and their order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any
from unittest.mock import MagicMock

import pytest
from botocore.exceptions import ClientError

from onboarding.cli.deploy import _parse_settings
from onboarding.cli.errors import CommandError
from onboarding.cloudformation.stack_runner import DeployError
from onboarding.cloudformation.templates import Template, load_template, repository_root
from onboarding.deploy import deployment_steps, images
from onboarding.deploy.deployment_steps import Deployment
from onboarding.deploy.parameters import CHOICES, compare_parameters, complete_plan
from onboarding.deploy.plan import BASE_IMAGE, Plan
from onboarding.deploy.reserved_concurrency import list_reservations
from onboarding.deploy.stack_ownership import DeploymentStacks
from onboarding.domain.resource_names import resource_name

NO_CHOICES = dict.fromkeys(CHOICES)

RUNNING = {
    "registry": {"BaseImage": "python@sha256:1"},
    "network": {"Stage": "staging", "Outbound": "nat", "OutboundBefore": ""},
    "database": {
        "NamePrefix": "",
        "MultiAz": "true",
        "InstanceClass": "db.t4g.small",
        "SnapshotId": "initial-snapshot",
        "StorageGib": "60",
        "AdminImageUri": "1.dkr.example/onboarding-lambda@sha256:1",
    },
    "pipeline": {
        "EmailSender": "uploads@techmart.example",
        "OperatorEmail": "ops@techmart.example",
        "PublicUrl": "https://shop.techmart.example",
        "StreamBatchSize": "200",
        # Not chosen: the account could reserve none.
        "ApiConcurrency": "0",
        "DatabasePassword": "****",
        "Dropped": "by a later version",
        "ChosenParameters": "DatabasePassword,Dropped,PublicUrl,StreamBatchSize",
    },
}

FUNCTIONS = {
    "csv-parser": "CsvParserConcurrency",
    "product-validator": "ProductValidatorConcurrency",
    "api": "ApiConcurrency",
    "webhook": "WebhookConcurrency",
    "exporter": "ExporterConcurrency",
}
"""Functions that reserve concurrency, by short name, and the parameters of their reservations."""


def account(
    running: Mapping[str, Mapping[str, str]], tag: str = "product-onboarding", status: str = "UPDATE_COMPLETE"
) -> Any:
    """Return clients of an account with stacks that have these parameters."""
    client = MagicMock()

    def describe(StackName: str) -> dict[str, Any]:  # noqa: N803
        parameters = running.get(StackName.removeprefix("product-onboarding-"))
        if parameters is None:
            raise ClientError({"Error": {"Code": "ValidationError"}}, "DescribeStacks")
        stack_parameters = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
        tags = [{"Key": "application", "Value": tag}]
        return {"Stacks": [{"StackStatus": status, "Parameters": stack_parameters, "Tags": tags}]}

    client("cloudformation").describe_stacks.side_effect = describe
    limit = {"ConcurrentExecutions": 1_000, "UnreservedConcurrentExecutions": 1_000}
    client("lambda").get_account_settings.return_value = {"AccountLimit": limit}
    client("lambda").get_function_concurrency.return_value = {}
    return client


def test_complete_plan_omitted_choices_have_the_running_values() -> None:
    assert complete_plan(account(RUNNING), NO_CHOICES, {}) == Plan(
        stage="staging",
        outbound="nat",
        multi_az=True,
        instance_class="db.t4g.small",
        email_sender="uploads@techmart.example",
        operator_email="ops@techmart.example",
        base_image="python@sha256:1",
        pipeline_parameters={"PublicUrl": "https://shop.techmart.example", "StreamBatchSize": "200"},
    )


def test_complete_plan_explicit_choices_override_and_empty_settings_reset() -> None:
    choices = {
        "outbound": "ipv6",
        "multi_az": False,
        "instance_class": "db.t4g.micro",
        "operator_email": "",
        "base_image": BASE_IMAGE,
    }
    plan = complete_plan(account(RUNNING), NO_CHOICES | choices, {"PublicUrl": "", "StreamParallelization": "4"})
    assert (plan.outbound, plan.multi_az, plan.instance_class) == ("ipv6", False, "db.t4g.micro")
    assert (plan.operator_email, plan.base_image, plan.email_sender) == ("", BASE_IMAGE, "uploads@techmart.example")
    assert plan.pipeline_parameters == {"StreamBatchSize": "200", "StreamParallelization": "4"}


def test_complete_plan_without_stacks_has_the_defaults() -> None:
    assert complete_plan(account({}), NO_CHOICES, {}) == Plan()


def test_complete_plan_stack_without_parameters_keeps_the_others() -> None:
    """A stack has no parameters if its first deployment stopped after the import of retained secrets."""
    assert complete_plan(account(RUNNING | {"database": {}}), NO_CHOICES, {}).outbound == "nat"


def test_complete_plan_stack_of_another_application_raises() -> None:
    """The check precedes the first change."""
    client = account({"pipeline": RUNNING["pipeline"]}, tag="another")
    with pytest.raises(DeployError, match="product-onboarding-pipeline exists without the tag"):
        complete_plan(client, NO_CHOICES, {})


@pytest.mark.parametrize(
    ("template", "running", "new", "expected"),
    [
        (
            "database",
            {"MultiAz": "true"},
            {"MultiAz": "false"},
            "database: MultiAz true → false (no standby replaces the database if its zone fails)",
        ),
        ("database", {"MultiAz": "false"}, {"MultiAz": "true"}, "database: MultiAz false → true"),
        (
            "database",
            {"InstanceClass": "db.t4g.small"},
            {},
            (
                "database: InstanceClass db.t4g.small → db.t4g.micro "
                "(the database is unavailable for some minutes; files wait)"
            ),
        ),
        (
            "pipeline",
            {"OperatorEmail": "ops@techmart.example"},
            {"OperatorEmail": ""},
            "pipeline: OperatorEmail ops@techmart.example → none (no one is notified of alarms)",
        ),
        # An older version had another default.
        ("pipeline", {"StreamBatchSize": "50"}, {}, "pipeline: StreamBatchSize 50 → 100"),
        (
            "pipeline",
            {"DatabasePassword": "****"},
            {"DatabasePassword": "secret"},
            "pipeline: DatabasePassword **** → ****",
        ),
        (
            "pipeline",
            {"ApiImageUri": "a@sha256:1", "MailerImageUri": "a@sha256:1"},
            {"ApiImageUri": "a@sha256:2", "MailerImageUri": "a@sha256:2"},
            "pipeline: image of the functions current image → new image",
        ),
    ],
)
def test_compare_parameters_changes_have_old_and_new_value_and_consequence(
    template: str, running: dict[str, str], new: dict[str, str], expected: str
) -> None:
    assert [str(change) for change in compare_parameters(template, running, new)] == [expected]


def test_compare_parameters_removed_parameters_are_no_changes() -> None:
    running = {"Dropped": "by a later version", "DatabasePassword": "****", "ChosenParameters": "Dropped"}
    assert list(compare_parameters("pipeline", running, {"ChosenParameters": "PublicUrl"})) == []


@pytest.mark.parametrize(
    ("published", "expected"),
    [
        ({"Onboarding": "1.dkr.example/onboarding-lambda@sha256:1"}, []),
        ({"Onboarding": "1.dkr.example/onboarding-lambda@sha256:2"}, ["image of the functions"]),
        # It is not built yet.
        ({}, ["image of the functions"]),
    ],
)
def test_list_changes_different_image_is_listed(
    published: dict[str, str], expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = account({name: RUNNING[name] for name in ("registry", "database")})
    digest = "c" * 64
    tag = images.image_tag(repository_root(), RUNNING["registry"]["BaseImage"], digest)
    monkeypatch.setattr(
        images, "find_published", lambda _, __, requested_tag: published if requested_tag == tag else {}
    )
    plan = complete_plan(client, NO_CHOICES | {"ca_sha256": digest}, {})
    changes = Deployment(client, plan, lambda _: None).list_changes()
    assert [change.parameter for change in changes if change.new == "new image"] == expected


def test_list_changes_failed_first_attempt_has_none() -> None:
    client = account(RUNNING, status="ROLLBACK_COMPLETE")
    assert Deployment(client, Plan(), lambda _: None).list_changes() == []


@pytest.mark.parametrize("limit", [10, 110, 125, 1_000])
def test_list_changes_repeated_deployment_has_none_and_raised_limit_is_listed(
    limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The account's limit may reduce the reservations."""
    monkeypatch.setattr(images, "find_published", lambda *_: {})

    def account_after(running: Mapping[str, Mapping[str, str]], limit: int) -> Any:
        """Return the account after a deployment: functions have the reservations of the pipeline's parameters."""
        client = account(running)
        pipeline = running.get("pipeline", {})
        reservations = (
            {name: int(pipeline.get(name, value)) for name, value in list_reservations(Plan()).items()}
            if running
            else {}
        )
        reserved = {resource_name(name): reservations.get(parameter, 0) for name, parameter in FUNCTIONS.items()}
        unreserved = {
            "ConcurrentExecutions": limit,
            "UnreservedConcurrentExecutions": limit - sum(reservations.values()),
        }
        client("lambda").get_account_settings.return_value = {"AccountLimit": unreserved}
        client("lambda").get_function_concurrency.side_effect = lambda FunctionName: {  # noqa: N803
            "ReservedConcurrentExecutions": reserved.get(FunctionName, 0)
        }
        return client

    plan = Plan(email_sender="uploads@techmart.example")
    outputs: Any = defaultdict(lambda: deployment_steps.UNKNOWN)
    first = Deployment(account_after({}, limit), plan, lambda _: None)
    code = first._code_parameters({})
    running = {
        "database": first._database_parameters({}, outputs)
        | first._filter_declared("database", code)
        | {"NamePrefix": ""},
        "pipeline": first._pipeline_parameters(outputs, outputs) | first._filter_declared("pipeline", code),
    }
    client = account_after(running, limit)
    assert Deployment(client, complete_plan(client, NO_CHOICES, {}), lambda _: None).list_changes() == []
    client = account_after(running, 1_000)
    changed = {
        change.parameter
        for change in Deployment(client, complete_plan(client, NO_CHOICES, {}), lambda _: None).list_changes()
    }
    computed = {*FUNCTIONS.values(), "StreamParallelization"} & set(running["pipeline"])
    pipeline = load_template("pipeline")
    assert changed == {name for name in computed if running["pipeline"][name] != pipeline.parameter_value(name)}
    assert bool(changed) is (limit < 1_000)


@pytest.mark.parametrize(
    ("running", "status", "outbound", "expected"),
    [
        ({}, "UPDATE_COMPLETE", "ipv6", [""]),
        ({"Outbound": "nat"}, "UPDATE_COMPLETE", "nat", [""]),
        ({"Outbound": "nat"}, "UPDATE_COMPLETE", "ipv6", ["nat", ""]),
        # An earlier run was interrupted before its end.
        ({"Outbound": "ipv6", "OutboundBefore": "nat"}, "UPDATE_COMPLETE", "ipv6", ["nat", ""]),
        # The creation of the network failed.
        ({"Outbound": "nat"}, "ROLLBACK_COMPLETE", "ipv6", [""]),
    ],
)
def test_run_changed_outbound_removes_the_earlier_route_last(
    running: dict[str, str], status: str, outbound: str, expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = account({"network": running} if running else {}, status=status)
    client("s3").head_bucket.side_effect = ClientError({"Error": {"Code": "404"}}, "HeadBucket")
    applied: list[tuple[str, str]] = []

    def apply(self: object, name: str, template: Template) -> Any:
        before = template.parameters.get("OutboundBefore", "-")
        applied.append((name.removeprefix("product-onboarding-"), before))
        return MagicMock()

    monkeypatch.setattr(DeploymentStacks, "apply", apply)
    monkeypatch.setattr(Deployment, "migrate", lambda _: None)
    monkeypatch.setattr(deployment_steps, "run_smoke_test", lambda *_, **__: None)
    plan = Plan(outbound=outbound, packaging="Zip", stage="local", email_sender="uploads@techmart.example")
    Deployment(client, plan, lambda _: None).run()
    first, *last = expected
    assert applied == [
        ("registry", "-"),
        ("network", first),
        ("database", "-"),
        ("pipeline", "-"),
        *(("network", before) for before in last),
        ("operations", "-"),
    ]


def test_complete_plan_choice_not_allowed_by_template_raises() -> None:
    for choice, parameter in (("stage", "Stage"), ("instance_class", "InstanceClass"), ("email_sender", "EmailSender")):
        with pytest.raises(DeployError, match=f"does not allow the value of {parameter}"):
            complete_plan(account({}), NO_CHOICES | {choice: "Not one"}, {})


def test_settings_derived_parameters_are_rejected() -> None:
    """A chosen value would override the output of another stack."""
    outputs: Any = defaultdict(str)
    deployment = Deployment(account({}), Plan(), lambda _: None)
    options = {parameter for template, parameter in CHOICES.values() if template == "pipeline"}
    for name in {*deployment._pipeline_parameters(outputs, outputs), *deployment._code_parameters({})} - options:
        with pytest.raises(CommandError, match=f"--set: {name} cannot be chosen"):
            _parse_settings([f"{name}=1"])
    assert "CsvParserImageUri" in deployment._code_parameters({})


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("StreamBatchSize=many", "it must be a whole number of at least 1 and at most 1000"),
        ("StreamBatchSize=1001", "at most 1000"),
        ("ErrorProcessorConcurrency=1", "at least 2"),
        ("ApiConcurrency=-1", "at least 0"),
        ("PublicUrl=techmart.example", "a scheme and a host"),
        ("StreamBatchSize", "has no ="),
    ],
)
def test_settings_value_not_allowed_by_template_is_rejected(setting: str, reason: str) -> None:
    with pytest.raises(CommandError, match=reason):
        _parse_settings([setting])


def test_settings_empty_value_of_existing_parameter_is_accepted() -> None:
    assert _parse_settings(["StreamBatchSize=", "ApiConcurrency=4"]) == {"StreamBatchSize": "", "ApiConcurrency": "4"}
    with pytest.raises(CommandError, match="has no parameter Nothing"):
        _parse_settings(["Nothing="])


def test_settings_parameter_with_its_own_option_is_rejected() -> None:
    """A stored setting would override the option of later deployments."""
    with pytest.raises(CommandError, match="EmailSender has its own option"):
        _parse_settings(["EmailSender=another@techmart.example"])
