"""Names of resources: one rule for code and templates, different for each deployment."""

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
from tests.infra.iam_policies import statements

ACCOUNT = "123456789012"
LONGEST_PREFIX = "a12345678901-"
LONGEST_REGION = "ap-southeast-1"

DOCUMENTS: dict[str, Any] = {name: parse_template(read_template(name)) for name in STACKS}

NAMING = re.compile(r"(?:^|[a-z])(?:Name|Identifier)$")
"""Properties that give a name."""

NAMES_NOTHING = {
    "GroupName": "a security group's name is its VPC's",
    "StageName": "a stage's name is its API's",
    "DBName": "the contract's database within the instance",
    "ServiceName": "the name of a service of AWS",
    "MetricName": "a metric's dimensions have the names",
    "CACertificateIdentifier": "a certificate of AWS",
    "DBSnapshotIdentifier": "a snapshot that is there already",
}
"""Properties whose value may be the same in every deployment, and why."""

IN_FRONT = ("/aws/lambda/", "/aws/rds/instance/", "/aws/vendedlogs/")
"""What AWS wants before the names of log groups."""

LONGEST = {
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
"""By resource type, how long AWS lets a name be."""


def written_names() -> Iterator[tuple[str, str, Any]]:
    """Where each name stands, the type of what it names, and how the template writes it."""
    for template, document in DOCUMENTS.items():
        for logical, resource in document["Resources"].items():
            properties = resource.get("Properties", {})
            tags = properties.get("Tags", [])
            values = [value for key, value in properties.items() if NAMING.search(key) and key not in NAMES_NOTHING]
            values += tags.values() if isinstance(tags, dict) else [tag["Value"] for tag in tags]
            for value in values:
                # A reference has the name of what it refers to.
                if not (isinstance(value, dict) and value.keys() & {"Ref", "Fn::GetAtt"}):
                    yield f"{template} {logical}", resource["Type"], value


NAMES = list(written_names())


def full_name(written: Any, prefix: str) -> str:
    """The name in a deployment."""
    text: str = written["Fn::Sub"]
    name = text.replace("${NamePrefix}", prefix).replace("${AWS::AccountId}", ACCOUNT)
    assert "$" not in name, text
    return name


def is_by_the_rule(name: str, prefix: str) -> bool:
    for front in IN_FRONT:
        name = name.removeprefix(front)
    name = name.removesuffix("/postgresql").removesuffix(f"-{ACCOUNT}")
    if not name.startswith(prefix):
        return False
    rest = name.removeprefix(prefix)
    return rest in CONTRACT_NAMES | {PRODUCT} or re.fullmatch(rf"{PRODUCT}[-/][a-z0-9/ -]+", rest) is not None


@pytest.mark.parametrize(("place", "kind", "written"), NAMES, ids=[place for place, _, _ in NAMES])
def test_name_in_a_template_has_the_prefix_and_obeys_the_rule(place: str, kind: str, written: Any) -> None:
    assert isinstance(written, dict), f"{place}: {written} is the same in every deployment"
    assert written.keys() == {"Fn::Sub"}
    assert is_by_the_rule(full_name(written, "staging-"), "staging-")
    assert is_by_the_rule(full_name(written, ""), "")


@pytest.mark.parametrize(
    "name", ["mailer", "productonboarding-mailer", "csv-parser-failures", "product-onboarding-Mails"]
)
def test_rule_of_names_other_name_is_refused(name: str) -> None:
    assert not is_by_the_rule(name, "")
    assert not is_by_the_rule(f"product-onboarding-{name}", "staging-")


@pytest.mark.parametrize("kind", sorted({kind for _, kind, _ in NAMES}))
def test_names_with_the_longest_prefix_are_short_enough_for_aws(kind: str) -> None:
    for place, its_kind, written in NAMES:
        if its_kind == kind:
            assert len(full_name(written, LONGEST_PREFIX)) <= LONGEST[kind], place


def test_deploy_bucket_name_with_the_longest_prefix_and_region_is_short_enough_for_aws() -> None:
    assert re.fullmatch(PREFIX_PATTERN, LONGEST_PREFIX)
    assert re.fullmatch(PREFIX_PATTERN, f"x{LONGEST_PREFIX}") is None
    assert (
        len(deploy_bucket_name(Plan(name_prefix=LONGEST_PREFIX), ACCOUNT, LONGEST_REGION)) <= LONGEST["AWS::S3::Bucket"]
    )


def test_names_of_two_deployments_are_never_equal() -> None:
    """Also where a prefix is the beginning of a name: `product-`, `csv-`, `ecommerce-`."""
    names = {full_name(written, "") for _, _, written in NAMES}
    beginnings = {f"{name.split('-')[0]}-" for name in names if "-" in name} | {"staging-", "s-", LONGEST_PREFIX}
    prefixes = {prefix for prefix in beginnings if re.fullmatch(PREFIX_PATTERN, prefix)}
    assert {"product-", "csv-", "ecommerce-"} <= prefixes
    deployments = {prefix: {full_name(written, prefix) for _, _, written in NAMES} for prefix in ["", *prefixes]}
    for prefix, its_names in deployments.items():
        others = set().union(*(theirs for other, theirs in deployments.items() if other != prefix))
        assert its_names.isdisjoint(others), prefix


@pytest.mark.parametrize("prefix", ["-", "staging", "Staging-", "1st-", "two-words-", "a123456789012-", "stäging-"])
def test_prefix_pattern_other_prefix_is_refused(prefix: str) -> None:
    assert re.fullmatch(PREFIX_PATTERN, prefix) is None


@pytest.mark.parametrize("template", STACKS)
def test_template_takes_the_prefixes_that_the_command_takes(template: str) -> None:
    parameter = DOCUMENTS[template]["Parameters"]["NamePrefix"]
    assert (parameter["Default"], parameter["AllowedPattern"]) == ("", PREFIX_PATTERN)


@pytest.mark.parametrize("template", STACKS)
def test_template_writes_no_name_without_the_prefix(template: str) -> None:
    """In policies, environments, dashboards and queries too."""
    names = {full_name(written, "").removesuffix(f"-{ACCOUNT}") for _, _, written in NAMES}
    any_name = "|".join(map(re.escape, names))
    for text in texts_in([DOCUMENTS[template]["Resources"], DOCUMENTS[template].get("Outputs", {})]):
        assert re.search(rf"(?<![\w{{}}/-])({any_name})(?![\w/]|-[a-z])", text) is None, text


OF_SES = re.compile(r"arn:aws:ses:.*:(identity|configuration-set)/\*")
"""What two deployments have in common: a condition holds each to its sender's address."""


def named_resources(prefix: str) -> Iterator[tuple[str, str]]:
    """The statements of a deployment that allow something, with each ARN that they write, which may be a pattern."""
    for template, document in DOCUMENTS.items():
        for logical, statement in statements(document):
            if statement["Effect"] == "Deny":
                continue
            for node in (statement.get("Resource", []), statement.get("Condition", {})):
                for text in texts_in(node):
                    arn = text.replace("${AWS::Partition}", "aws").replace("${AWS::Region}", "us-east-1")
                    arn = arn.replace("${AWS::AccountId}", ACCOUNT).replace("${NamePrefix}", prefix)
                    if arn.startswith("arn:") and not OF_SES.fullmatch(arn):
                        yield f"{template} {logical} {statement['Sid']}", arn


def arns_of(prefix: str) -> set[str]:
    """What may stand behind the account in the ARNs of a deployment's resources."""
    names = {full_name(written, prefix) for _, _, written in NAMES}
    kinds = ("", "function:", "secret:", "table/", "rule/", "log-group:")
    ends = ("", "-AbCdEf", "/uploads/VEND001/products.csv", "/errors/VEND001/report.csv")
    return {f"{kind}{name}{end}" for name in names for kind in kinds for end in ends}


@pytest.mark.parametrize(("prefix", "other"), [("", "staging-"), ("staging-", ""), ("staging-", "test-")])
def test_policies_of_a_deployment_reach_no_resource_of_another(prefix: str, other: str) -> None:
    """With its wildcards too: `function:product-onboarding-*` would be refused here if it began with a wildcard."""
    own, others = arns_of(prefix), arns_of(other)
    places = list(named_resources(prefix))
    assert len(places) > 20
    for place, arn in places:
        pattern = arn.split(":", 5)[5].replace("${!aws:PrincipalTag/vendor_id}", "VEND001")
        assert fnmatch.filter(own, pattern), f"{place}: {arn} names nothing of the deployment"
        assert fnmatch.filter(others, pattern) == [], f"{place}: {arn}"


def texts_in(node: Any, key: str = "") -> Iterator[str]:
    """Every text but those for people, references, and the names of policies within a role."""
    if isinstance(node, dict):
        for inner_key, inner in node.items():
            yield from texts_in(inner, inner_key)
    elif isinstance(node, list):
        for inner in node:
            yield from texts_in(inner, key)
    elif isinstance(node, str) and key not in {"Description", "PolicyName", "Ref", "Fn::GetAtt"}:
        yield node


def test_api_of_the_first_deployment_keeps_the_address_that_is_in_mails() -> None:
    """The local stack makes the address of this tag; state directories of earlier versions hold such mails."""
    tags = DOCUMENTS["pipeline"]["Resources"]["ReportApi"]["Properties"]["Tags"]
    assert full_name(tags["ms-custom-id"], "") == "product-onboarding"


def test_names_that_the_code_uses_are_those_of_the_templates() -> None:
    named = {full_name(written, "staging-") for _, _, written in NAMES}
    functions = [function for function in RETRIED_BY.values() if function] + [
        "admin",
        "api",
        "mailer",
        "webhook",
        "watchdog",
    ]
    used = [*RETRIED_BY, ERROR_QUEUE, *functions, *LOGINS, "ecommerce-db"]
    assert {resource_name(name, "staging-") for name in used} <= named


@pytest.mark.parametrize("prefix", ["", "staging-", LONGEST_PREFIX])
def test_prefix_of_bucket_is_that_of_its_deployment(prefix: str) -> None:
    [written] = [written for place, _, written in NAMES if place == "pipeline UploadBucket"]
    assert prefix_of_bucket(full_name(written, prefix)) == prefix


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
def test_prefix_of_bucket_other_bucket_is_named(bucket: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"{bucket} is not the bucket of a deployment")):
        prefix_of_bucket(bucket)
