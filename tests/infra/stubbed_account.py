"""An AWS account without AWS: botocore's own clients, whose requests and answers botocore's models validate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ClientError
from botocore.loaders import create_loader
from botocore.model import OperationModel
from botocore.validate import ParamValidator

NUMBER = "123456789012"
BUCKET = f"ecommerce-product-uploads-{NUMBER}"

Answer = dict[str, Any] | Exception
Answers = dict[str, Answer | Callable[[dict[str, Any]], Answer]]
"""Answers by service and operation, such as `sts:GetCallerIdentity`; a function gets the request's parameters."""


def refusal(code: str, message: str = "refused") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "any")


MODELS = create_loader()

DENIED = refusal("AccessDeniedException", "User is not authorized to perform this")


def healthy(region: str = "us-east-1") -> Answers:
    """An empty account that lacks nothing: paid, with full quotas and a verified domain in production."""
    zones = [(f"{region}{letter}", f"zone-{letter}") for letter in "abc"]
    return {
        "sts:GetCallerIdentity": {"Account": NUMBER, "Arn": f"arn:aws:iam::{NUMBER}:user/ops", "UserId": "AIDA"},
        "freetier:GetAccountPlanState": plan("PAID"),
        "cloudformation:DescribeStacks": refusal("ValidationError", "Stack does not exist"),
        "cloudformation:ListStackResources": refusal("ValidationError", "Stack does not exist"),
        "ecr:DescribeRepositories": {"repositories": [{"repositoryName": "website"}]},
        "lambda:ListFunctions": {"Functions": [{"FunctionName": "website"}]},
        "lambda:GetAccountSettings": limits(1_000),
        "lambda:GetFunctionConcurrency": refusal("ResourceNotFoundException"),
        "logs:DescribeLogGroups": {"logGroups": [{"logGroupName": "/aws/lambda/website"}]},
        "rds:DescribeDBInstances": {"DBInstances": []},
        "rds:DescribeOrderableDBInstanceOptions": {
            "OrderableDBInstanceOptions": [
                offer("17.7", region, "abc"),
                offer("18.1", region, "abc"),
                offer("18.1", region, "abc", StorageType="gp2"),
            ]
        },
        "sqs:ListQueues": {"QueueUrls": [f"https://sqs.{region}.amazonaws.com/{NUMBER}/website"]},
        "sns:ListTopics": {"Topics": [{"TopicArn": f"arn:aws:sns:{region}:{NUMBER}:website"}]},
        "dynamodb:ListTables": {"TableNames": ["Website"]},
        "secretsmanager:ListSecrets": {"SecretList": [{"Name": "website"}]},
        "s3:ListBuckets": {"Buckets": [{"Name": "website"}]},
        "s3:HeadBucket": refusal("404", "Not Found"),
        "ec2:DescribeVpcs": {"Vpcs": [{"VpcId": "vpc-1"}]},
        "ec2:DescribeAvailabilityZones": {
            "AvailabilityZones": [{"ZoneName": name, "ZoneId": number} for name, number in zones]
        },
        "ec2:DescribeVpcEndpointServices": {
            "ServiceDetails": [{"ServiceName": "any", "AvailabilityZones": [name for name, _ in zones]}]
        },
        "service-quotas:GetServiceQuota": {"Quota": {"QuotaCode": "L-F678F1CE", "Value": 5.0}},
        "sesv2:GetEmailIdentity": identities({"techmart.example": {}}),
        "sesv2:GetAccount": sending(),
    }


def tagged(*tags: dict[str, str]) -> Answers:
    """The answers about a table, a secret and a bucket that exist and have these tags."""
    arn = f"arn:aws:dynamodb:us-east-1:{NUMBER}:table/Any"
    return {
        "dynamodb:DescribeTable": {"Table": {"TableStatus": "ACTIVE", "TableArn": arn}},
        "dynamodb:ListTagsOfResource": {"Tags": list(tags)},
        "secretsmanager:DescribeSecret": {
            "ARN": f"arn:aws:secretsmanager:us-east-1:{NUMBER}:secret:any",
            "Tags": list(tags),
        },
        "s3:GetBucketTagging": {"TagSet": list(tags)},
    }


def plan(kind: str) -> dict[str, Any]:
    return {"accountId": NUMBER, "accountPlanType": kind, "accountPlanStatus": "ACTIVE"}


def limits(concurrent: int) -> dict[str, Any]:
    return {"AccountLimit": {"ConcurrentExecutions": concurrent, "UnreservedConcurrentExecutions": concurrent}}


def offer(version: str, region: str, letters: str, **changed: object) -> dict[str, Any]:
    """What RDS offers of an engine version: in the zones with these letters."""
    zones = [{"Name": f"{region}{letter}"} for letter in letters]
    return {
        "EngineVersion": version,
        "StorageType": "gp3",
        "MultiAZCapable": True,
        "AvailabilityZones": zones,
        **changed,
    }


def identities(verified: dict[str, dict[str, Any]]) -> Callable[[dict[str, Any]], Answer]:
    """Identities of SES by name, with what their answers have beside the usual."""

    def answer(request: dict[str, Any]) -> Answer:
        name = request["EmailIdentity"]
        if name not in verified:
            return refusal("NotFoundException", f"Email identity {name} does not exist")
        return {"VerifiedForSendingStatus": True, **verified[name]}

    return answer


def sending(**changed: object) -> dict[str, Any]:
    quota = {"Max24HourSend": 50_000.0, "MaxSendRate": 14.0, "SentLast24Hours": 0.0}
    usual = {"EnforcementStatus": "HEALTHY", "SendingEnabled": True, "ProductionAccessEnabled": True}
    return {**usual, "SendQuota": quota, **changed}


def install(monkeypatch: pytest.MonkeyPatch, answers: Answers) -> list[str]:
    """Have every client of boto3 answer so, without a connection; return the list that its calls are added to."""
    # AWS's models are megabytes: each is read once for all clients.
    monkeypatch.setattr("botocore.loaders.create_loader", lambda _: MODELS)
    calls: list[str] = []
    make = boto3.session.Session.client

    def client(session: boto3.session.Session, service: str, **options: Any) -> Any:
        made = make(session, service, **options)  # type: ignore[call-overload]

        def parameters_built(params: dict[str, Any], context: dict[str, Any], **_: object) -> None:
            context["asked"] = dict(params)

        def before_call(
            model: OperationModel, params: dict[str, Any], context: dict[str, Any], **_: object
        ) -> tuple[AWSResponse, dict[str, Any]]:
            name = f"{service}:{model.name}"
            calls.append(f"{name} {params['url']}")
            answer = answers[name]
            if callable(answer) and not isinstance(answer, Exception):
                answer = answer(context["asked"])
            if isinstance(answer, ClientError):
                return AWSResponse(params["url"], 400, HTTPHeaders(), None), {**answer.response, "ResponseMetadata": {}}
            if isinstance(answer, Exception):
                raise answer
            assert model.output_shape is not None
            report = ParamValidator().validate(answer, model.output_shape)
            assert not report.has_errors(), f"{name}: {report.generate_report()}"
            return AWSResponse(params["url"], 200, HTTPHeaders(), None), {**answer, "ResponseMetadata": {}}

        made.meta.events.register("provide-client-params", parameters_built)
        made.meta.events.register("before-call", before_call)
        return made

    monkeypatch.setattr(boto3.session.Session, "client", client)
    return calls
