"""Tests of the invariants of all templates except that of the pipeline."""

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
from onboarding.deploy.deployment_steps import REPOSITORY_SUFFIX, SHARED_REPOSITORY
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


def security_groups() -> dict[str, Any]:
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
    group = security_groups()["lambda-sg"]
    assert "SecurityGroupIngress" not in group
    assert sorted({rule["ToPort"] for rule in group["SecurityGroupEgress"]}) == [443, 5432]


def test_database_security_group_allows_only_the_functions() -> None:
    [rule] = security_groups()["rds-sg"]["SecurityGroupIngress"]
    assert (rule["FromPort"], rule["ToPort"]) == (5432, 5432)
    assert rule["SourceSecurityGroupId"] == {"Ref": "LambdaSecurityGroup"}
    assert "CidrIp" not in rule


def test_network_template_has_no_inbound_routes() -> None:
    """Private subnets have outbound routes at most: through the egress-only gateway or through NAT."""
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


class RequestStopped(Exception):
    """Exception that stops a request before it is sent; its message is the host."""


def host_of_request(service: str, region: str) -> str:
    """Return the host that boto3 sends a request to. A client's `endpoint_url` comes from an older table of names."""

    def stop(request: Any, **_: Any) -> None:
        raise RequestStopped(urlsplit(request.url).hostname)

    session: Any = boto3.session.Session("key", "secret", region_name=region)
    client = session.client(service)
    client.meta.events.register("before-send", stop)
    operation, parameters = REQUESTS[service]
    with pytest.raises(RequestStopped) as sent:
        getattr(client, operation)(**parameters)
    return str(sent.value)


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "af-south-1"])
def test_dual_stack_endpoints_have_ipv6_addresses(region: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The expected hosts are from the AWS General Reference (service endpoints and quotas)."""
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
    """The roles of the functions in the VPC name these services; Lambda itself sends the logs."""
    roles = {
        function["Role"]["Fn::GetAtt"][0]
        for function in of_type("pipeline", "AWS::Lambda::Function").values()
        if "VpcConfig" in function
    }
    services = {
        action.split(":")[0]
        for role in roles
        for policy in of_type("pipeline", "AWS::IAM::Role")[role]["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
        for branch in (statement["Fn::If"][1:] if "Fn::If" in statement else [statement])
        for action in ([branch["Action"]] if isinstance(branch["Action"], str) else branch["Action"])
    }
    endpoints = {
        p["ServiceName"]["Fn::Sub"].rsplit(".", 1)[-1] for p in of_type("network", "AWS::EC2::VPCEndpoint").values()
    }
    assert services - {"logs"} == endpoints


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
        local_secret = of_type("pipeline", "AWS::SecretsManager::Secret")[name]
        assert local_secret["Name"] == secret["Name"]
        if name != "DatabaseSecret":
            assert local_secret == secret


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
    allow, deny = statements[3:]
    assert allow["Action"] == deny["Action"]
    assert (allow["Effect"], deny["Effect"]) == ("Allow", "Deny")


def test_database_version_matches_the_parameter_group_family() -> None:
    parameter = DOCUMENTS["database"]["Parameters"]["EngineVersion"]
    [group] = of_type("database", "AWS::RDS::DBParameterGroup").values()
    allowed = [v for v in ("17", "18", "18.4", "19", "180") if re.fullmatch(parameter["AllowedPattern"], v)]
    assert allowed == ["18", "18.4"]
    assert group["Family"] == f"postgres{parameter['Default']}"


def test_network_change_keeps_both_routes() -> None:
    """Functions use the earlier route until the pipeline has been updated."""
    conditions = DOCUMENTS["network"]["Conditions"]
    for outbound, name in (("ipv6", "WithIpv6"), ("nat", "WithNat"), ("endpoints", "WithEndpoints")):
        either = {"Fn::Or": [{"Fn::Equals": [{"Ref": p}, outbound]} for p in ("Outbound", "OutboundBefore")]}
        assert conditions[name] == ({"Fn::And": [{"Condition": "OnAws"}, either]} if outbound == "ipv6" else either)


# -- Registry ----------------------------------------------------------------------------------------------------------


def test_registry_template_matches_the_contract() -> None:
    repositories = {short_name(p["RepositoryName"]): p for p in of_type("registry", "AWS::ECR::Repository").values()}
    assert {"csv-parser-lambda", "product-validator-lambda", "error-processor-lambda"} <= set(repositories)
    for repository in repositories.values():
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
    functions = {
        name.removesuffix(IMAGE_SUFFIX)
        for template in ("database", "pipeline")
        for name in DOCUMENTS[template]["Parameters"]
        if name.endswith(IMAGE_SUFFIX)
    }
    assert outputs - {SHARED_REPOSITORY} <= functions
    assert functions - outputs, "the shared repository must have a function"


def list_expired(rules: list[dict[str, Any]], images: list[set[str]]) -> list[set[str]]:
    """Return the images, the newest first, that a lifecycle policy expires.

    An image that matches the tags of an earlier rule is expired by that rule or by none.
    """
    expired_images: list[set[str]] = []
    matched_images: list[set[str]] = []
    for rule in sorted(rules, key=lambda rule: rule["rulePriority"]):
        prefixes = tuple(rule["selection"].get("tagPrefixList", [""]))
        matching = [image for image in images if any(tag.startswith(prefixes) for tag in image)]
        expired_images += [
            image for image in matching[rule["selection"]["countNumber"] :] if image not in matched_images
        ]
        matched_images += matching
    return expired_images


@pytest.mark.parametrize("repository", of_type("registry", "AWS::ECR::Repository").values())
def test_registry_deployed_image_survives_later_pushes(repository: dict[str, Any]) -> None:
    rules = json.loads(repository["LifecyclePolicy"]["LifecyclePolicyText"])["rules"]
    deployed = [{f"sources-{n}", f"deployed-{n}"} for n in range(4)]
    failed = [{f"sources-failed-{n}"} for n in range(5)]
    # Three deployed images remain for rollbacks; the oldest images that were never deployed expire.
    assert list_expired(rules, [*failed, *deployed]) == [deployed[3], *failed[3:]]


# -- All templates -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", STACKS)
def test_templates_have_no_anchors(name: str) -> None:
    events = yaml.parse(read_template(name), Loader=TemplateLoader)
    assert not [event for event in events if getattr(event, "anchor", None)]


INTERFACES = (
    "for the Lambda service, since EC2 describes no single interface; the other statement denies it to the code"
)
SENDER = "on the local stack, whose policies cannot name the identity; on AWS it is named"
WITHOUT_NAMED_RESOURCE = {
    ("database", "AdminRole", "ManageInterfaces"): INTERFACES,
    ("pipeline", "VpcAccess", "ManageInterfaces"): INTERFACES,
    ("pipeline", "MailerRole", "SendEmail"): SENDER,
    ("pipeline", "ProductValidatorRole", "FindStream"): "IAM has no resource type for dynamodb:ListStreams",
}
"""Statements that allow actions on all resources, and the reasons."""

BATCH_ACTIONS = {"sqs:SendMessage*", "sqs:ChangeMessageVisibility*"}
"""AWS has one action for single and batch calls; the local stack needs the wildcard for batch calls."""


def list_policy_statements(node: Any) -> Iterator[dict[str, Any]]:
    """Yield every policy statement in a node: of roles, buckets, topics and repositories."""
    if isinstance(node, list):
        for inner in node:
            yield from list_policy_statements(inner)
    elif isinstance(node, dict):
        if "Effect" in node:
            yield node
        else:
            yield from list_policy_statements(list(node.values()))


def list_texts(node: Any) -> list[str]:
    """Return the texts of resources or actions; `!GetAtt` and `!Ref` name one resource and have no text."""
    match node:
        case str():
            return [node]
        case list():
            return [text for inner in node for text in list_texts(inner)]
        case {"Fn::Sub": value}:
            return list_texts(value[0] if isinstance(value, list) else value)
        case {"Fn::If": [_, *branches]}:
            return list_texts(branches)
    return []


def test_policies_allow_only_named_resources() -> None:
    unrestricted = set()
    for template, document in DOCUMENTS.items():
        for name, resource in document["Resources"].items():
            for statement in list_policy_statements(resource.get("Properties", {})):
                assert not {"NotAction", "NotResource", "NotPrincipal"} & set(statement), f"{template} {name}"
                if statement["Effect"] == "Deny":
                    continue
                assert statement.get("Principal") != "*", f"{name} is public"
                actions = list_texts(statement["Action"])
                assert not [a for a in actions if "*" in a and a not in BATCH_ACTIONS], f"{template} {name}"
                # A wildcard may replace the last part of a key, never a name.
                if any("*" in text.removesuffix("/*") for text in list_texts(statement.get("Resource", []))):
                    unrestricted.add((template, name, statement["Sid"]))
    assert unrestricted == set(WITHOUT_NAMED_RESOURCE)


@pytest.mark.parametrize("name", STACKS)
def test_data_stores_are_encrypted(name: str) -> None:
    encryption_properties = {
        "AWS::S3::Bucket": "BucketEncryption",
        "AWS::DynamoDB::Table": "SSESpecification",
        "AWS::RDS::DBInstance": "StorageEncrypted",
        "AWS::ECR::Repository": "EncryptionConfiguration",
    }
    for kind, key in encryption_properties.items():
        assert all(p.get(key) for p in of_type(name, kind).values())


def test_scanner_suppressions_have_a_reason() -> None:
    texts = [read_template(name) for name in STACKS]
    suppressions = [line.strip() for text in texts for line in text.splitlines() if "checkov:skip" in line]
    assert suppressions
    assert all(re.fullmatch(r"# checkov:skip=CKV_AWS_\d+: .{5,}", line) for line in suppressions), suppressions
