"""Tests that actions, resources and condition keys match in every IAM policy of the templates, and of the linter."""

from __future__ import annotations

from typing import Any

import pytest

from onboarding.cloudformation.templates import parse_template, read_template
from onboarding.deploy.plan import STACKS
from tests.infra.iam_policies import lint, list_statements

TEMPLATES: dict[str, Any] = {name: parse_template(read_template(name)) for name in STACKS}
RESOURCES: dict[str, Any] = {
    "Table": {"Type": "AWS::DynamoDB::Table"},
    "Queue": {"Type": "AWS::SQS::Queue"},
    "Bucket": {"Type": "AWS::S3::Bucket"},
    "Logs": {"Type": "AWS::Logs::LogGroup"},
    "Topic": {"Type": "AWS::SNS::Topic"},
}


def allow(action: Any, resource: Any, **condition: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    return statement | ({"Condition": {"StringLike": condition["key"]}} if condition else {})


@pytest.mark.parametrize(
    ("template", "statement"),
    [
        pytest.param(template, statement, id=f"{template}-{name}-{statement.get('Sid', number)}")
        for template, document in TEMPLATES.items()
        for number, (name, statement) in enumerate(list_statements(document))
    ],
)
def test_policy_statement_of_a_template_has_no_finding(template: str, statement: dict[str, Any]) -> None:
    assert lint(statement, TEMPLATES[template]["Resources"]) == []


def test_policies_of_every_kind_are_linted() -> None:
    kinds = {
        document["Resources"][name]["Type"] for document in TEMPLATES.values() for name, _ in list_statements(document)
    }
    assert kinds >= {
        "AWS::IAM::Role",
        "AWS::IAM::ManagedPolicy",
        "AWS::S3::BucketPolicy",
        "AWS::SQS::QueuePolicy",
        "AWS::SNS::TopicPolicy",
        "AWS::ECR::Repository",
    }


@pytest.mark.parametrize(
    "statement",
    [
        allow(["sqs:SendMessage", "sqs:ChangeMessageVisibility*"], {"Fn::GetAtt": ["Queue", "Arn"]}),
        allow("s3:GetObject", {"Fn::Sub": "${Bucket.Arn}/uploads/*"}),
        allow("s3:ListBucket", {"Fn::GetAtt": ["Bucket", "Arn"]}, key={"s3:prefix": "uploads/*"}),
        allow("logs:PutLogEvents", {"Fn::GetAtt": ["Logs", "Arn"]}),
        allow("sns:Publish", {"Ref": "Topic"}, key={"aws:SecureTransport": "true"}),
        allow("ec2:DescribeSubnets", "*"),
        allow("dynamodb:GetItem", {"Ref": "TableArnParameter"}),
    ],
)
def test_lint_valid_statement_has_no_finding(statement: dict[str, Any]) -> None:
    assert lint(statement, RESOURCES) == []


@pytest.mark.parametrize(
    ("statement", "finding"),
    [
        (allow("sqs:SendMessageBatch", {"Fn::GetAtt": ["Queue", "Arn"]}), "no service has the action"),
        (allow("sqss:SendMessage", "*"), "no service has the action"),
        (allow("s3:ListBucket", {"Fn::Sub": "${Bucket.Arn}/*"}), "has no resource of a supported type"),
        (allow("s3:GetObject", {"Fn::GetAtt": ["Bucket", "Arn"]}), "has no resource of a supported type"),
        (allow("dynamodb:ListStreams", {"Fn::Sub": "${Table.Arn}/stream/*"}), "has no resource of a supported type"),
        (allow("dynamodb:GetRecords", {"Fn::GetAtt": ["Table", "Arn"]}), "has no resource of a supported type"),
        (
            allow("s3:GetObject", [{"Fn::Sub": "${Bucket.Arn}/*"}, {"Fn::GetAtt": ["Queue", "Arn"]}]),
            "no action supports the resource",
        ),
        (
            allow("s3:GetObject", {"Fn::Sub": "${Bucket.Arn}/*"}, key={"s3:prefix": "uploads/*"}),
            "do not contain s3:prefix",
        ),
        (allow("sns:Publish", {"Ref": "Topic"}, key={"aws:SecureTransports": "true"}), "do not contain"),
    ],
)
def test_lint_invalid_statement_has_a_finding(statement: dict[str, Any], finding: str) -> None:
    assert any(finding in line for line in lint(statement, RESOURCES))
