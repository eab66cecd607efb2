"""What a deployment keeps of the running stacks, what it changes, and in which order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any
from unittest.mock import MagicMock

import pytest
from botocore.exceptions import ClientError

from onboarding.cli.deploy import _parameters
from onboarding.cli.errors import CommandError
from onboarding.deploy import images, steps
from onboarding.deploy.changes import CHOICES, complete_plan, parameter_changes
from onboarding.deploy.concurrency import reservations
from onboarding.deploy.plan import BASE_IMAGE, DeployError, Plan, checkout, template_text
from onboarding.deploy.stacks import Stacks
from onboarding.deploy.steps import Deployment
from onboarding.domain.resource_names import resource_name
from onboarding.local.template import Template

UNNAMED = dict.fromkeys(CHOICES)

RUNNING = {
    "registry": {"BaseImage": "python@sha256:1"},
    "network": {"Stage": "staging", "Outbound": "nat", "OutboundBefore": ""},
    "database": {
        "NamePrefix": "",
        "MultiAz": "true",
        "InstanceClass": "db.t4g.small",
        "SnapshotId": "begun-with",
        "StorageGib": "60",
        "AdminImageUri": "1.dkr.example/onboarding-lambda@sha256:1",
    },
    "pipeline": {
        "MailSender": "uploads@techmart.example",
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
}
"""The functions that reserve concurrency, by their short names, and the parameters that say how much."""


def account(
    running: Mapping[str, Mapping[str, str]], tag: str = "product-onboarding", status: str = "UPDATE_COMPLETE"
) -> Any:
    """An account with stacks that have these parameters."""
    client = MagicMock()

    def describe(StackName: str) -> dict[str, Any]:  # noqa: N803
        parameters = running.get(StackName.removeprefix("product-onboarding-"))
        if parameters is None:
            raise ClientError({"Error": {"Code": "ValidationError"}}, "DescribeStacks")
        given = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
        tags = [{"Key": "application", "Value": tag}]
        return {"Stacks": [{"StackStatus": status, "Parameters": given, "Tags": tags}]}

    client("cloudformation").describe_stacks.side_effect = describe
    limit = {"ConcurrentExecutions": 1_000, "UnreservedConcurrentExecutions": 1_000}
    client("lambda").get_account_settings.return_value = {"AccountLimit": limit}
    client("lambda").get_function_concurrency.return_value = {}
    return client


def test_complete_plan_keeps_every_choice_that_is_not_named() -> None:
    assert complete_plan(account(RUNNING), UNNAMED, {}) == Plan(
        stage="staging",
        outbound="nat",
        multi_az=True,
        instance_class="db.t4g.small",
        mail_sender="uploads@techmart.example",
        operator_email="ops@techmart.example",
        base_image="python@sha256:1",
        pipeline_parameters={"PublicUrl": "https://shop.techmart.example", "StreamBatchSize": "200"},
    )


def test_complete_plan_takes_what_is_named_and_returns_empty_settings_to_their_defaults() -> None:
    named = {
        "outbound": "ipv6",
        "multi_az": False,
        "instance_class": "db.t4g.micro",
        "operator_email": "",
        "base_image": BASE_IMAGE,
    }
    plan = complete_plan(account(RUNNING), UNNAMED | named, {"PublicUrl": "", "StreamParallelization": "4"})
    assert (plan.outbound, plan.multi_az, plan.instance_class) == ("ipv6", False, "db.t4g.micro")
    assert (plan.operator_email, plan.base_image, plan.mail_sender) == ("", BASE_IMAGE, "uploads@techmart.example")
    assert plan.pipeline_parameters == {"StreamBatchSize": "200", "StreamParallelization": "4"}


def test_complete_plan_has_the_defaults_where_nothing_runs() -> None:
    assert complete_plan(account({}), UNNAMED, {}) == Plan()


def test_complete_plan_refuses_a_deployment_with_the_names_of_the_first_release() -> None:
    """Its database would have to be replaced, since the subnet group has another name."""
    database = {name: value for name, value in RUNNING["database"].items() if name != "NamePrefix"}
    with pytest.raises(DeployError, match=r"version 0\.1\.0 was deployed here"):
        complete_plan(account(RUNNING | {"database": database}), UNNAMED, {})
    # A stack that began with an import of kept secrets and went no further has no parameters.
    assert complete_plan(account(RUNNING | {"database": {}}), UNNAMED, {}).outbound == "nat"


def test_complete_plan_refuses_a_stack_of_another_application() -> None:
    """Before anything is made, and not when the deployment reaches that stack."""
    client = account({"pipeline": RUNNING["pipeline"]}, tag="another")
    with pytest.raises(DeployError, match="product-onboarding-pipeline exists and does not carry the tag"):
        complete_plan(client, UNNAMED, {})


@pytest.mark.parametrize(
    ("template", "running", "new", "expected"),
    [
        (
            "database",
            {"MultiAz": "true"},
            {"MultiAz": "false"},
            "database: MultiAz true → false (no standby takes over when a zone fails)",
        ),
        ("database", {"MultiAz": "false"}, {"MultiAz": "true"}, "database: MultiAz false → true"),
        (
            "database",
            {"InstanceClass": "db.t4g.small"},
            {},
            "database: InstanceClass db.t4g.small → db.t4g.micro (the database is away for some minutes; files wait)",
        ),
        (
            "pipeline",
            {"OperatorEmail": "ops@techmart.example"},
            {"OperatorEmail": ""},
            "pipeline: OperatorEmail ops@techmart.example → none (nobody is notified of alarms)",
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
            "pipeline: image of the functions as it runs → new image",
        ),
    ],
)
def test_parameter_changes_name_old_and_new_value_and_what_follows(
    template: str, running: dict[str, str], new: dict[str, str], expected: str
) -> None:
    assert [str(change) for change in parameter_changes(template, running, new)] == [expected]


def test_parameter_changes_of_what_no_template_has_any_more_are_none() -> None:
    running = {"Dropped": "by a later version", "DatabasePassword": "****", "ChosenParameters": "Dropped"}
    assert list(parameter_changes("pipeline", running, {"ChosenParameters": "PublicUrl"})) == []


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({"Onboarding": "1.dkr.example/onboarding-lambda@sha256:1"}, []),
        ({"Onboarding": "1.dkr.example/onboarding-lambda@sha256:2"}, ["image of the functions"]),
        # It is not built yet.
        ({}, ["image of the functions"]),
    ],
)
def test_changes_have_a_new_image_where_the_functions_run_another_one(
    found: dict[str, str], expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = account({name: RUNNING[name] for name in ("registry", "database")})
    digest = "c" * 64
    tag = images.tag_of(checkout(), RUNNING["registry"]["BaseImage"], digest)
    monkeypatch.setattr(images, "in_registry", lambda _, __, asked: found if asked == tag else {})
    plan = complete_plan(client, UNNAMED | {"ca_sha256": digest}, {})
    changes = Deployment(client, plan, lambda _: None).changes()
    assert [change.parameter for change in changes if change.new == "new image"] == expected


def test_changes_of_a_first_attempt_that_failed_are_none() -> None:
    client = account(RUNNING, status="ROLLBACK_COMPLETE")
    assert Deployment(client, Plan(), lambda _: None).changes() == []


@pytest.mark.parametrize("limit", [10, 110, 125, 1_000])
def test_changes_of_a_repeated_deployment_are_none_and_those_of_a_raised_limit_are_named(
    limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the account's limit decides what is reserved."""
    monkeypatch.setattr(images, "in_registry", lambda *_: {})

    def deployed(running: Mapping[str, Mapping[str, str]], limit: int) -> Any:
        """The account that this deployment left: functions have what the pipeline's parameters reserve."""
        client = account(running)
        pipeline = running.get("pipeline", {})
        wanted = (
            {name: int(pipeline.get(name, value)) for name, value in reservations(Plan()).items()} if running else {}
        )
        reserved = {resource_name(name): wanted.get(parameter, 0) for name, parameter in FUNCTIONS.items()}
        unreserved = {"ConcurrentExecutions": limit, "UnreservedConcurrentExecutions": limit - sum(wanted.values())}
        client("lambda").get_account_settings.return_value = {"AccountLimit": unreserved}
        client("lambda").get_function_concurrency.side_effect = lambda FunctionName: {  # noqa: N803
            "ReservedConcurrentExecutions": reserved.get(FunctionName, 0)
        }
        return client

    plan = Plan(mail_sender="uploads@techmart.example")
    outputs: Any = defaultdict(lambda: steps.UNKNOWN)
    first = Deployment(deployed({}, limit), plan, lambda _: None)
    code = first._code_parameters({})
    running = {
        "database": first._database({}, outputs) | first._declared("database", code) | {"NamePrefix": ""},
        "pipeline": first._pipeline(outputs, outputs) | first._declared("pipeline", code),
    }
    client = deployed(running, limit)
    assert Deployment(client, complete_plan(client, UNNAMED, {}), lambda _: None).changes() == []
    client = deployed(running, 1_000)
    changed = {
        change.parameter for change in Deployment(client, complete_plan(client, UNNAMED, {}), lambda _: None).changes()
    }
    computed = {*FUNCTIONS.values(), "StreamParallelization"} & set(running["pipeline"])
    pipeline = Template(template_text("pipeline"), {}, "", "")
    assert changed == {name for name in computed if running["pipeline"][name] != pipeline.parameter(name)}
    assert bool(changed) is (limit < 1_000)


@pytest.mark.parametrize(
    ("running", "status", "outbound", "expected"),
    [
        ({}, "UPDATE_COMPLETE", "ipv6", [""]),
        ({"Outbound": "nat"}, "UPDATE_COMPLETE", "nat", [""]),
        ({"Outbound": "nat"}, "UPDATE_COMPLETE", "ipv6", ["nat", ""]),
        # An earlier run was interrupted before its end.
        ({"Outbound": "ipv6", "OutboundBefore": "nat"}, "UPDATE_COMPLETE", "ipv6", ["nat", ""]),
        # The network was never made.
        ({"Outbound": "nat"}, "ROLLBACK_COMPLETE", "ipv6", [""]),
    ],
)
def test_run_removes_the_earlier_network_after_the_functions_use_the_new_one(
    running: dict[str, str], status: str, outbound: str, expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = account({"network": running} if running else {}, status=status)
    client("s3").head_bucket.side_effect = ClientError({"Error": {"Code": "404"}}, "HeadBucket")
    applied: list[tuple[str, str]] = []

    def apply(self: object, name: str, text: str, parameters: Mapping[str, str]) -> Any:
        applied.append((name.removeprefix("product-onboarding-"), parameters.get("OutboundBefore", "-")))
        return MagicMock()

    monkeypatch.setattr(Stacks, "apply", apply)
    monkeypatch.setattr(Deployment, "migrate", lambda _: None)
    monkeypatch.setattr(steps, "smoke_test", lambda *_, **__: None)
    Deployment(client, Plan(outbound=outbound, packaging="Zip", stage="local"), lambda _: None).run()
    first, *last = expected
    assert applied == [
        ("registry", "-"),
        ("network", first),
        ("database", "-"),
        ("pipeline", "-"),
        *(("network", before) for before in last),
        ("operations", "-"),
    ]


def test_a_choice_that_a_template_refuses_is_refused_before_anything_is_made() -> None:
    for choice, parameter in (("stage", "Stage"), ("instance_class", "InstanceClass"), ("mail_sender", "MailSender")):
        with pytest.raises(DeployError, match=f"refuses the value of {parameter}"):
            complete_plan(account({}), UNNAMED | {choice: "Not one"}, {})


def test_parameters_that_the_steps_set_are_not_to_be_chosen() -> None:
    """A chosen value wins over the one that the other stacks tell."""
    outputs: Any = defaultdict(str)
    deployment = Deployment(account({}), Plan(), lambda _: None)
    options = {parameter for template, parameter in CHOICES.values() if template == "pipeline"}
    for name in {*deployment._pipeline(outputs, outputs), *deployment._code_parameters({})} - options:
        with pytest.raises(CommandError, match=f"--set: {name} cannot be chosen"):
            _parameters([f"{name}=1"])
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
def test_a_setting_that_the_template_refuses_is_refused_before_anything_is_made(setting: str, reason: str) -> None:
    with pytest.raises(CommandError, match=reason):
        _parameters([setting])


def test_a_setting_without_a_value_is_the_default_of_a_parameter_that_exists() -> None:
    assert _parameters(["StreamBatchSize=", "ApiConcurrency=4"]) == {"StreamBatchSize": "", "ApiConcurrency": "4"}
    with pytest.raises(CommandError, match="has no parameter Nothing"):
        _parameters(["Nothing="])


def test_a_setting_that_has_an_option_is_refused() -> None:
    """Kept as a setting it would win over the option of later deployments."""
    with pytest.raises(CommandError, match="MailSender has an option of its own"):
        _parameters(["MailSender=another@techmart.example"])
