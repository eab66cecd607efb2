"""Tests of resource names: one rule for code and templates, and different names in each deployment."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator
from typing import Any

import pytest

from onboarding.aws.dead_letter_queues import ERROR_QUEUE, RETRIED_BY
from onboarding.cloudformation.templates import parse_template, read_template
from onboarding.deploy.buckets import deploy_bucket_name
from onboarding.deploy.plan import STACKS, Plan
from onboarding.domain.resource_names import (
    CONTRACT_NAMES,
    PREFIX_PATTERN,
    PRODUCT,
    UPLOAD_BUCKET,
    prefix_of_bucket,
    resource_name,
)
from onboarding.storage.database_roles import LOGINS
from tests.infra.iam_policies import list_statements

ACCOUNT = "123456789012"
LONGEST_PREFIX = "a12345678901-"
LONGEST_REGION = "ap-southeast-1"

DOCUMENTS: dict[str, Any] = {name: parse_template(read_template(name)) for name in STACKS}

NAME_PROPERTY = re.compile(r"(?:^|[a-z])(?:Name|Identifier)$")
"""Properties that contain a name."""

UNPREFIXED_PROPERTIES = {
    "GroupName": "a security group's name is its VPC's",
    "StageName": "a stage's name is its API's",
    "DBName": "the contract's database within the instance",
    "ServiceName": "the name of a service of AWS",
    "MetricName": "a metric's dimensions have the names",
    "CACertificateIdentifier": "a certificate of AWS",
    "DBSnapshotIdentifier": "an existing snapshot",
}
"""Properties whose value may be the same in every deployment, and why."""

LOG_GROUP_PREFIXES = ("/aws/lambda/", "/aws/rds/instance/", "/aws/vendedlogs/")
"""Prefixes that AWS requires in names of log groups."""

MAX_LENGTHS = {
    "AWS::ApiGatewayV2::Api": 128,
    "AWS::CloudWatch::Alarm": 255,
    "AWS::CloudWatch::Dashboard": 255,
    "AWS::DynamoDB::Table": 255,
    "AWS::EC2::InternetGateway": 256,
    "AWS::EC2::RouteTable": 256,
    "AWS::EC2::Subnet": 256,
    "AWS::EC2::VPC": 256,
    "AWS::ECR::Repository": 256,
    "AWS::Events::Rule": 64,
    "AWS::IAM::ManagedPolicy": 128,
    "AWS::Lambda::Function": 64,
    "AWS::Logs::LogGroup": 512,
    "AWS::Logs::QueryDefinition": 255,
    "AWS::RDS::DBInstance": 63,
    "AWS::RDS::DBParameterGroup": 255,
    "AWS::RDS::DBSubnetGroup": 255,
    "AWS::S3::Bucket": 63,
    "AWS::SNS::Topic": 256,
    "AWS::SQS::Queue": 80,
    "AWS::SecretsManager::Secret": 512,
}
"""Maximum length of a name in AWS, by resource type."""


def list_names() -> Iterator[tuple[str, str, Any]]:
    """Yield the location, the resource type and the value of each name in the templates."""
    for template, document in DOCUMENTS.items():
        for logical_id, resource in document["Resources"].items():
            properties = resource.get("Properties", {})
            tags = properties.get("Tags", [])
            values = [
                value
                for key, value in properties.items()
                if NAME_PROPERTY.search(key) and key not in UNPREFIXED_PROPERTIES
            ]
            values += tags.values() if isinstance(tags, dict) else [tag["Value"] for tag in tags]
            for value in values:
                # A reference has the name of the resource that it refers to.
                if not (isinstance(value, dict) and value.keys() & {"Ref", "Fn::GetAtt"}):
                    yield f"{template} {logical_id}", resource["Type"], value


NAMES = list(list_names())


def evaluate_name(value: Any, prefix: str) -> str:
    """Return the name in a deployment with this prefix."""
    text: str = value["Fn::Sub"]
    name = text.replace("${NamePrefix}", prefix).replace("${AWS::AccountId}", ACCOUNT)
    assert "$" not in name, text
    return name


def follows_naming_rule(name: str, prefix: str) -> bool:
    """Return whether a name consists of the prefix and a name of the contract or one that begins with PRODUCT."""
    for group_prefix in LOG_GROUP_PREFIXES:
        name = name.removeprefix(group_prefix)
    name = name.removesuffix("/postgresql").removesuffix(f"-{ACCOUNT}")
    if not name.startswith(prefix):
        return False
    unprefixed = name.removeprefix(prefix)
    return (
        unprefixed in CONTRACT_NAMES | {PRODUCT} or re.fullmatch(rf"{PRODUCT}[-/][a-z0-9/ -]+", unprefixed) is not None
    )


@pytest.mark.parametrize(("location", "kind", "value"), NAMES, ids=[location for location, _, _ in NAMES])
def test_name_in_a_template_has_the_prefix_and_obeys_the_rule(location: str, kind: str, value: Any) -> None:
    assert isinstance(value, dict), f"{location}: {value} is the same in every deployment"
    assert value.keys() == {"Fn::Sub"}
    assert follows_naming_rule(evaluate_name(value, "staging-"), "staging-")
    assert follows_naming_rule(evaluate_name(value, ""), "")


@pytest.mark.parametrize(
    "name", ["mailer", "productonboarding-mailer", "csv-parser-failures", "product-onboarding-Emails"]
)
def test_follows_naming_rule_other_name_is_false(name: str) -> None:
    assert not follows_naming_rule(name, "")
    assert not follows_naming_rule(f"product-onboarding-{name}", "staging-")


@pytest.mark.parametrize("kind", sorted({kind for _, kind, _ in NAMES}))
def test_names_with_the_longest_prefix_are_short_enough_for_aws(kind: str) -> None:
    for location, other_kind, value in NAMES:
        if other_kind == kind:
            assert len(evaluate_name(value, LONGEST_PREFIX)) <= MAX_LENGTHS[kind], location


def test_deploy_bucket_name_with_the_longest_prefix_and_region_is_short_enough_for_aws() -> None:
    assert re.fullmatch(PREFIX_PATTERN, LONGEST_PREFIX)
    assert re.fullmatch(PREFIX_PATTERN, f"x{LONGEST_PREFIX}") is None
    assert (
        len(deploy_bucket_name(Plan(name_prefix=LONGEST_PREFIX), ACCOUNT, LONGEST_REGION))
        <= MAX_LENGTHS["AWS::S3::Bucket"]
    )


def test_names_of_two_deployments_are_never_equal() -> None:
    """A prefix may also be the beginning of a name: `product-`, `csv-`, `ecommerce-`."""
    names = {evaluate_name(value, "") for _, _, value in NAMES}
    beginnings = {f"{name.split('-')[0]}-" for name in names if "-" in name} | {"staging-", "s-", LONGEST_PREFIX}
    prefixes = {prefix for prefix in beginnings if re.fullmatch(PREFIX_PATTERN, prefix)}
    assert {"product-", "csv-", "ecommerce-"} <= prefixes
    deployments = {prefix: {evaluate_name(value, prefix) for _, _, value in NAMES} for prefix in ["", *prefixes]}
    for prefix, own_names in deployments.items():
        names_of_others = set().union(*(other_names for other, other_names in deployments.items() if other != prefix))
        assert own_names.isdisjoint(names_of_others), prefix


@pytest.mark.parametrize("prefix", ["-", "staging", "Staging-", "1st-", "two-words-", "a123456789012-", "stäging-"])
def test_prefix_pattern_other_prefix_does_not_match(prefix: str) -> None:
    assert re.fullmatch(PREFIX_PATTERN, prefix) is None


@pytest.mark.parametrize("template", STACKS)
def test_template_prefix_pattern_is_that_of_the_command(template: str) -> None:
    parameter = DOCUMENTS[template]["Parameters"]["NamePrefix"]
    assert (parameter["Default"], parameter["AllowedPattern"]) == ("", PREFIX_PATTERN)


@pytest.mark.parametrize("template", STACKS)
def test_template_contains_no_name_without_the_prefix(template: str) -> None:
    """Policies, environments, dashboards and queries also contain names."""
    names = {evaluate_name(value, "").removesuffix(f"-{ACCOUNT}") for _, _, value in NAMES}
    any_name = "|".join(map(re.escape, names))
    for text in list_texts([DOCUMENTS[template]["Resources"], DOCUMENTS[template].get("Outputs", {})]):
        assert re.search(rf"(?<![\w{{}}/-])({any_name})(?![\w/]|-[a-z])", text) is None, text


SES_ARN = re.compile(r"arn:aws:ses:.*:(identity|configuration-set)/\*")
"""ARNs that two deployments share: a condition restricts each deployment to its sender's address."""


def list_allowed_arns(prefix: str) -> Iterator[tuple[str, str]]:
    """Yield the location and each ARN or ARN pattern of the statements with which a deployment allows actions."""
    for template, document in DOCUMENTS.items():
        for logical_id, statement in list_statements(document):
            if statement["Effect"] == "Deny":
                continue
            for node in (statement.get("Resource", []), statement.get("Condition", {})):
                for text in list_texts(node):
                    arn = text.replace("${AWS::Partition}", "aws").replace("${AWS::Region}", "us-east-1")
                    arn = arn.replace("${AWS::AccountId}", ACCOUNT).replace("${NamePrefix}", prefix)
                    if arn.startswith("arn:") and not SES_ARN.fullmatch(arn):
                        yield f"{template} {logical_id} {statement['Sid']}", arn


def make_arns(prefix: str) -> set[str]:
    """Return examples of the last part, after the account, of the ARNs of a deployment's resources."""
    names = {evaluate_name(value, prefix) for _, _, value in NAMES}
    kinds = ("", "function:", "secret:", "table/", "rule/", "log-group:")
    ends = ("", "-AbCdEf", "/uploads/VEND001/products.csv", "/errors/VEND001/report.csv", "/exports/VEND001/export.csv")
    return {f"{kind}{name}{end}" for name in names for kind in kinds for end in ends}


@pytest.mark.parametrize(("prefix", "other"), [("", "staging-"), ("staging-", ""), ("staging-", "test-")])
def test_policies_of_a_deployment_reach_no_resource_of_another(prefix: str, other: str) -> None:
    """A pattern such as `function:*product-onboarding-*` would reach other deployments."""
    own_arns, other_arns = make_arns(prefix), make_arns(other)
    allowed_arns = list(list_allowed_arns(prefix))
    assert len(allowed_arns) > 20
    for location, arn in allowed_arns:
        pattern = arn.split(":", 5)[5].replace("${!aws:PrincipalTag/vendor_id}", "VEND001")
        assert fnmatch.filter(own_arns, pattern), f"{location}: {arn} matches no resource of the deployment"
        assert fnmatch.filter(other_arns, pattern) == [], f"{location}: {arn}"


def list_texts(node: Any, key: str = "") -> Iterator[str]:
    """Yield every text except descriptions, references, and the names of inline policies."""
    if isinstance(node, dict):
        for inner_key, inner in node.items():
            yield from list_texts(inner, inner_key)
    elif isinstance(node, list):
        for inner in node:
            yield from list_texts(inner, key)
    elif isinstance(node, str) and key not in {"Description", "PolicyName", "Ref", "Fn::GetAtt"}:
        yield node


def test_api_of_the_first_deployment_has_the_address_of_earlier_emails() -> None:
    """The local stack derives the address from this tag; inboxes of earlier versions contain links to it."""
    tags = DOCUMENTS["pipeline"]["Resources"]["ReportApi"]["Properties"]["Tags"]
    assert evaluate_name(tags["ms-custom-id"], "") == "product-onboarding"


def test_names_that_the_code_uses_are_those_of_the_templates() -> None:
    template_names = {evaluate_name(value, "staging-") for _, _, value in NAMES}
    functions = [function for function in RETRIED_BY.values() if function] + [
        "admin",
        "api",
        "mailer",
        "webhook",
        "exporter",
        "watchdog",
    ]
    code_names = [*RETRIED_BY, ERROR_QUEUE, *functions, *LOGINS, "ecommerce-db"]
    assert {resource_name(name, "staging-") for name in code_names} <= template_names


@pytest.mark.parametrize("prefix", ["", "staging-", LONGEST_PREFIX])
def test_prefix_of_bucket_is_that_of_its_deployment(prefix: str) -> None:
    [value] = [value for location, _, value in NAMES if location == "pipeline UploadBucket"]
    assert prefix_of_bucket(evaluate_name(value, prefix)) == prefix


@pytest.mark.parametrize(
    "bucket",
    [
        "",
        UPLOAD_BUCKET,
        f"{UPLOAD_BUCKET}-12345678901",
        f"staging_{UPLOAD_BUCKET}-123456789012",
        f"my-staging-{UPLOAD_BUCKET}-123456789012",
        f"{PRODUCT}-failures-123456789012",
        f"{UPLOAD_BUCKET}-123456789012/uploads",
    ],
)
def test_prefix_of_bucket_other_bucket_raises(bucket: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"{bucket} is not the bucket of a deployment")):
        prefix_of_bucket(bucket)
