"""Invariants of all templates except that of the pipeline."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
import yaml

from onboarding.cloudformation.templates import TemplateLoader, parse_template, read_template
from onboarding.deploy.deployment import REPOSITORY_SUFFIX, SHARED_REPOSITORY
from onboarding.deploy.parameters import IMAGE_SUFFIX
from onboarding.deploy.plan import STACKS
from tests.support.template_names import short_name

ROOT = Path(__file__).parents[2]
DOCUMENTS: dict[str, Any] = {name: parse_template(read_template(name)) for name in STACKS}


def of_type(template: str, kind: str) -> dict[str, Any]:
    resources = DOCUMENTS[template]["Resources"].items()
    return {name: resource.get("Properties", {}) for name, resource in resources if resource["Type"] == kind}


def test_stacks_include_every_template() -> None:
    assert {path.stem for path in (ROOT / "infra").glob("*.yaml")} == set(STACKS)


# -- Network -----------------------------------------------------------------------------------------------------------


def groups() -> dict[str, Any]:
    return {p["GroupName"]: p for p in of_type("network", "AWS::EC2::SecurityGroup").values()}


def test_network_template_matches_the_contract() -> None:
    [vpc] = of_type("network", "AWS::EC2::VPC").values()
    assert vpc["CidrBlock"] == "10.0.0.0/16"
    subnets = of_type("network", "AWS::EC2::Subnet")
    private = {name: p for name, p in subnets.items() if name.startswith("Private")}
    zones = [json.dumps(p["AvailabilityZone"]) for p in private.values()]
    assert len(set(zones)) == len(private) == 2
    assert not any(p.get("MapPublicIpOnLaunch") for p in subnets.values())


def test_lambda_security_group_has_no_inbound_rules() -> None:
    found = groups()["lambda-sg"]
    assert "SecurityGroupIngress" not in found
    assert sorted({rule["ToPort"] for rule in found["SecurityGroupEgress"]}) == [443, 5432]


def test_database_security_group_allows_only_the_functions() -> None:
    [rule] = groups()["rds-sg"]["SecurityGroupIngress"]
    assert (rule["FromPort"], rule["ToPort"]) == (5432, 5432)
    assert rule["SourceSecurityGroupId"] == {"Ref": "LambdaSecurityGroup"}
    assert "CidrIp" not in rule


def test_network_template_has_no_inbound_routes() -> None:
    """Private subnets have a way out at most: over the egress-only gateway or through NAT."""
    routes = of_type("network", "AWS::EC2::Route").values()
    private = [route for route in routes if route["RouteTableId"] == {"Ref": "PrivateRoutes"}]
    assert private
    assert not [route for route in private if "GatewayId" in route]


def test_network_template_has_gateway_endpoints() -> None:
    gateways = [
        p["ServiceName"]["Fn::Sub"].rsplit(".", 1)[-1]
        for p in of_type("network", "AWS::EC2::VPCEndpoint").values()
        if p["VpcEndpointType"] == "Gateway"
    ]
    assert sorted(gateways) == ["dynamodb", "s3"]


REQUESTS: dict[str, tuple[str, dict[str, Any]]] = {
    "dynamodb": ("get_item", {"TableName": "UploadRecords", "Key": {}}),
    "lambda": ("invoke", {"FunctionName": "webhook"}),
    "s3": ("get_object", {"Bucket": "uploads", "Key": "key"}),
    "secretsmanager": ("get_secret_value", {"SecretId": "secret"}),
    "sns": ("publish", {"TopicArn": "arn:aws:sns:us-east-1:123456789012:topic", "Message": "text"}),
    "sqs": ("send_message", {"QueueUrl": "https://sqs.us-east-1.amazonaws.com/1/queue", "MessageBody": "text"}),
}
"""A request to each service that the functions in the VPC use."""


class NotSent(Exception):
    """Stops a request before it is sent; the message is its host."""


def host_of_request(service: str, region: str) -> str:
    """Return the host that boto3 sends a request to. A client's `endpoint_url` comes from an older table of names."""

    def stop(request: Any, **_: Any) -> None:
        raise NotSent(urlsplit(request.url).hostname)

    session: Any = boto3.session.Session("key", "secret", region_name=region)
    client = session.client(service)
    client.meta.events.register("before-send", stop)
    operation, parameters = REQUESTS[service]
    with pytest.raises(NotSent) as sent:
        getattr(client, operation)(**parameters)
    return str(sent.value)


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "af-south-1"])
def test_dual_stack_endpoints_have_ipv6_addresses(region: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As AWS publishes them (General Reference, service endpoints and quotas)."""
    for template in ("database", "pipeline"):
        for function in of_type(template, "AWS::Lambda::Function").values():
            variables = function["Environment"]["Variables"]
            if "VpcConfig" in function:
                assert variables["AWS_USE_DUALSTACK_ENDPOINT"] == {"Ref": "DualStack"}
            assert not [name for name in variables if name.startswith("AWS_ENDPOINT_URL")]
    monkeypatch.setenv("AWS_USE_DUALSTACK_ENDPOINT", "true")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    assert {service: host_of_request(service, region) for service in REQUESTS} == {
        "dynamodb": f"dynamodb.{region}.api.aws",
        "lambda": f"lambda.{region}.api.aws",
        "s3": f"uploads.s3.dualstack.{region}.amazonaws.com",
        # Secrets Manager has one name, which has IPv4 and IPv6 addresses.
        "secretsmanager": f"secretsmanager.{region}.amazonaws.com",
        "sns": f"sns.{region}.api.aws",
        "sqs": f"sqs.{region}.api.aws",
    }


def test_network_without_ipv6_egress_has_no_ipv6_functions() -> None:
    """Functions would try IPv6 first and wait for a timeout."""
    for template in ("database", "pipeline"):
        text = read_template(template)
        assert text.count("Ipv6AllowedForDualStack:") == text.count("Ipv6AllowedForDualStack: !Ref DualStack")


def test_network_endpoints_cover_every_used_service() -> None:
    """The services that the roles of the functions in the VPC name, beside those that Lambda itself asks for them."""
    roles = {
        function["Role"]["Fn::GetAtt"][0]
        for function in of_type("pipeline", "AWS::Lambda::Function").values()
        if "VpcConfig" in function
    }
    asked = {
        action.split(":")[0]
        for role in roles
        for policy in of_type("pipeline", "AWS::IAM::Role")[role]["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
        for branch in (statement["Fn::If"][1:] if "Fn::If" in statement else [statement])
        for action in ([branch["Action"]] if isinstance(branch["Action"], str) else branch["Action"])
    }
    there = {
        p["ServiceName"]["Fn::Sub"].rsplit(".", 1)[-1] for p in of_type("network", "AWS::EC2::VPCEndpoint").values()
    }
    assert asked - {"logs"} == there


# -- Database ----------------------------------------------------------------------------------------------------------


def test_database_template_matches_the_contract() -> None:
    [database] = of_type("database", "AWS::RDS::DBInstance").values()
    expected = {
        "DBInstanceIdentifier": {"Fn::Sub": "${NamePrefix}ecommerce-db"},
        "Engine": "postgres",
        "StorageEncrypted": True,
        "PubliclyAccessible": False,
        "BackupRetentionPeriod": 7,
        "EngineLifecycleSupport": "open-source-rds-extended-support-disabled",
        "MultiAZ": {"Ref": "MultiAz"},
        "DeletionProtection": {"Ref": "DeletionProtection"},
    }
    assert {key: database[key] for key in expected} == expected
    assert DOCUMENTS["database"]["Parameters"]["DeletionProtection"]["Default"] == "true"
    assert DOCUMENTS["database"]["Resources"]["Database"]["DeletionPolicy"] == "Snapshot"
    [parameters] = of_type("database", "AWS::RDS::DBParameterGroup").values()
    assert parameters["Parameters"]["rds.force_ssl"] == "1"


def test_templates_contain_no_password() -> None:
    secrets = of_type("database", "AWS::SecretsManager::Secret")
    owner = {"username": "onboarding", "dbname": "ecommerce_platform"}
    templates = {name: json.loads(s["GenerateSecretString"]["SecretStringTemplate"]) for name, s in secrets.items()}
    assert templates == {"DatabaseSecret": owner, "PipelineSecret": {}, "ApiSecret": {}}
    assert secrets["DatabaseSecret"]["Name"] == {"Fn::Sub": "${NamePrefix}ecommerce/rds/credentials"}
    assert not any("SecretString" in secret for secret in secrets.values())
    [database] = of_type("database", "AWS::RDS::DBInstance").values()
    assert database["MasterUserPassword"]["Fn::Sub"].startswith("{{resolve:secretsmanager:")


def test_pipeline_template_creates_the_same_secrets_as_the_database_template() -> None:
    for name, secret in of_type("database", "AWS::SecretsManager::Secret").items():
        local = of_type("pipeline", "AWS::SecretsManager::Secret")[name]
        assert local["Name"] == secret["Name"]
        if name != "DatabaseSecret":
            assert local == secret


def test_link_keys_are_in_the_pipeline_stack() -> None:
    """A resource that another stack still has cannot be created, so an update would fail."""
    assert "LinkSecret" not in DOCUMENTS["database"]["Resources"]
    assert "Condition" not in DOCUMENTS["pipeline"]["Resources"]["LinkSecret"]


def test_admin_role_has_only_the_required_permissions() -> None:
    [role] = of_type("database", "AWS::IAM::Role").values()
    statements = role["Policies"][0]["PolicyDocument"]["Statement"]
    assert [statement["Sid"] for statement in statements] == [
        "WriteLogs",
        "ReadDatabaseSecret",
        "CompleteLogins",
        "ManageInterfaces",
        "DenyToFunctionCode",
    ]
    opened, closed = statements[3:]
    assert opened["Action"] == closed["Action"]
    assert (opened["Effect"], closed["Effect"]) == ("Allow", "Deny")


def test_database_version_matches_the_parameter_group_family() -> None:
    parameter = DOCUMENTS["database"]["Parameters"]["EngineVersion"]
    [group] = of_type("database", "AWS::RDS::DBParameterGroup").values()
    allowed = [v for v in ("17", "18", "18.4", "19", "180") if re.fullmatch(parameter["AllowedPattern"], v)]
    assert allowed == ["18", "18.4"]
    assert group["Family"] == f"postgres{parameter['Default']}"


def test_network_change_keeps_both_routes() -> None:
    """Functions that use the earlier way go on until the pipeline's update is over."""
    conditions = DOCUMENTS["network"]["Conditions"]
    for way, name in (("ipv6", "WithIpv6"), ("nat", "WithNat"), ("endpoints", "WithEndpoints")):
        either = {"Fn::Or": [{"Fn::Equals": [{"Ref": p}, way]} for p in ("Outbound", "OutboundBefore")]}
        assert conditions[name] == ({"Fn::And": [{"Condition": "OnAws"}, either]} if way == "ipv6" else either)


# -- Registry ----------------------------------------------------------------------------------------------------------


def test_registry_template_matches_the_contract() -> None:
    found = {short_name(p["RepositoryName"]): p for p in of_type("registry", "AWS::ECR::Repository").values()}
    assert {"csv-parser-lambda", "product-validator-lambda", "error-processor-lambda"} <= set(found)
    for repository in found.values():
        assert repository["ImageScanningConfiguration"] == {"ScanOnPush": True}
        assert repository["ImageTagMutability"] == "IMMUTABLE"
        assert repository["EncryptionConfiguration"] == {"EncryptionType": "AES256"}
        assert json.loads(repository["LifecyclePolicy"]["LifecyclePolicyText"])["rules"]


def test_registry_every_repository_has_a_function() -> None:
    outputs = {
        name.removesuffix(REPOSITORY_SUFFIX)
        for name in DOCUMENTS["registry"]["Outputs"]
        if name.endswith(REPOSITORY_SUFFIX)
    }
    asked = {
        name.removesuffix(IMAGE_SUFFIX)
        for template in ("database", "pipeline")
        for name in DOCUMENTS[template]["Parameters"]
        if name.endswith(IMAGE_SUFFIX)
    }
    assert outputs - {SHARED_REPOSITORY} <= asked
    assert asked - outputs, "the shared repository must have a function"


def expired(rules: list[dict[str, Any]], images: list[set[str]]) -> list[set[str]]:
    """Return the images, the newest first, that a lifecycle policy expires.

    An image that matches the tags of an earlier rule is expired by that rule or by none.
    """
    gone: list[set[str]] = []
    decided: list[set[str]] = []
    for rule in sorted(rules, key=lambda rule: rule["rulePriority"]):
        prefixes = tuple(rule["selection"].get("tagPrefixList", [""]))
        matching = [image for image in images if any(tag.startswith(prefixes) for tag in image)]
        gone += [image for image in matching[rule["selection"]["countNumber"] :] if image not in decided]
        decided += matching
    return gone


@pytest.mark.parametrize("repository", of_type("registry", "AWS::ECR::Repository").values())
def test_registry_deployed_image_survives_later_pushes(repository: dict[str, Any]) -> None:
    rules = json.loads(repository["LifecyclePolicy"]["LifecyclePolicyText"])["rules"]
    deployed = [{f"sources-{n}", f"deployed-{n}"} for n in range(4)]
    failed = [{f"sources-failed-{n}"} for n in range(5)]
    # Three that functions ran can be gone back to, and of those that no function ever ran the oldest go.
    assert expired(rules, [*failed, *deployed]) == [deployed[3], *failed[3:]]


# -- All of them -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", STACKS)
def test_templates_have_no_anchors(name: str) -> None:
    events = yaml.parse(read_template(name), Loader=TemplateLoader)
    assert not [event for event in events if getattr(event, "anchor", None)]


INTERFACES = (
    "for the Lambda service, since EC2 describes no single interface; the other statement denies it to the code"
)
SENDER = "on the local stack, which does not tell its policies the identity; on AWS it is named"
WITHOUT_NAMED_RESOURCE = {
    ("database", "AdminRole", "ManageInterfaces"): INTERFACES,
    ("pipeline", "VpcAccess", "ManageInterfaces"): INTERFACES,
    ("pipeline", "MailerRole", "SendMail"): SENDER,
    ("pipeline", "ProductValidatorRole", "FindStream"): "IAM knows no resource for dynamodb:ListStreams",
}
"""Where something is allowed on all resources, and why."""

BATCHES_TOO = {"sqs:SendMessage*", "sqs:ChangeMessageVisibility*"}
"""One action of AWS for single and batch calls, written so that the local stack agrees."""


def statements_in(node: Any) -> Iterator[dict[str, Any]]:
    """Every statement of a policy, wherever it stands: in roles, in policies of buckets, topics and repositories."""
    if isinstance(node, list):
        for inner in node:
            yield from statements_in(inner)
    elif isinstance(node, dict):
        if "Effect" in node:
            yield node
        else:
            yield from statements_in(list(node.values()))


def texts_in(node: Any) -> list[str]:
    """The texts of a resource or an action; `!GetAtt` and `!Ref` name one thing, and have none."""
    match node:
        case str():
            return [node]
        case list():
            return [text for inner in node for text in texts_in(inner)]
        case {"Fn::Sub": written}:
            return texts_in(written[0] if isinstance(written, list) else written)
        case {"Fn::If": [_, *branches]}:
            return texts_in(branches)
    return []


def test_policies_allow_only_named_resources() -> None:
    found = set()
    for template, document in DOCUMENTS.items():
        for name, resource in document["Resources"].items():
            for statement in statements_in(resource.get("Properties", {})):
                assert not {"NotAction", "NotResource", "NotPrincipal"} & set(statement), f"{template} {name}"
                if statement["Effect"] == "Deny":
                    continue
                assert statement.get("Principal") != "*", f"{name} is public"
                actions = texts_in(statement["Action"])
                assert not [a for a in actions if "*" in a and a not in BATCHES_TOO], f"{template} {name}"
                # A star may stand for the last part of a key, never for a name.
                if any("*" in text.removesuffix("/*") for text in texts_in(statement.get("Resource", []))):
                    found.add((template, name, statement["Sid"]))
    assert found == set(WITHOUT_NAMED_RESOURCE)


@pytest.mark.parametrize("name", STACKS)
def test_data_stores_are_encrypted(name: str) -> None:
    says = {
        "AWS::S3::Bucket": "BucketEncryption",
        "AWS::DynamoDB::Table": "SSESpecification",
        "AWS::RDS::DBInstance": "StorageEncrypted",
        "AWS::ECR::Repository": "EncryptionConfiguration",
    }
    for kind, key in says.items():
        assert all(p.get(key) for p in of_type(name, kind).values())


def test_scanner_suppressions_have_a_reason() -> None:
    texts = [read_template(name) for name in STACKS]
    found = [line.strip() for text in texts for line in text.splitlines() if "checkov:skip" in line]
    assert found
    assert all(re.fullmatch(r"# checkov:skip=CKV_AWS_\d+: .{5,}", line) for line in found), found
