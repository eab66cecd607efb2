"""Stub of an AWS account: botocore clients with predefined responses, validated by botocore's models."""

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

Response = dict[str, Any] | Exception
Responses = dict[str, Response | Callable[[dict[str, Any]], Response]]
"""Responses by service and operation, such as `sts:GetCallerIdentity`; functions get the request's parameters."""


def make_error(code: str, message: str = "rejected") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "any")


MODELS = create_loader()

DENIED = make_error("AccessDeniedException", "User is not authorized to perform this")


def healthy_account(region: str = "us-east-1") -> Responses:
    """Return the responses of an empty account without problems: paid, full quotas, a verified domain in production."""
    zones = [(f"{region}{letter}", f"zone-{letter}") for letter in "abc"]
    return {
        "sts:GetCallerIdentity": {"Account": NUMBER, "Arn": f"arn:aws:iam::{NUMBER}:user/ops", "UserId": "AIDA"},
        "freetier:GetAccountPlanState": make_account_plan("PAID"),
        "cloudformation:DescribeStacks": make_error("ValidationError", "Stack does not exist"),
        "cloudformation:ListStackResources": make_error("ValidationError", "Stack does not exist"),
        "ecr:DescribeRepositories": {"repositories": [{"repositoryName": "website"}]},
        "lambda:ListFunctions": {"Functions": [{"FunctionName": "website"}]},
        "lambda:GetAccountSettings": make_concurrency_limits(1_000),
        "lambda:GetFunctionConcurrency": make_error("ResourceNotFoundException"),
        "logs:DescribeLogGroups": {"logGroups": [{"logGroupName": "/aws/lambda/website"}]},
        "rds:DescribeDBInstances": {"DBInstances": []},
        "rds:DescribeOrderableDBInstanceOptions": {
            "OrderableDBInstanceOptions": [
                make_offer("17.7", region, "abc"),
                make_offer("18.1", region, "abc"),
                make_offer("18.1", region, "abc", StorageType="gp2"),
            ]
        },
        "sqs:ListQueues": {"QueueUrls": [f"https://sqs.{region}.amazonaws.com/{NUMBER}/website"]},
        "sns:ListTopics": {"Topics": [{"TopicArn": f"arn:aws:sns:{region}:{NUMBER}:website"}]},
        "dynamodb:ListTables": {"TableNames": ["Website"]},
        "secretsmanager:ListSecrets": {"SecretList": [{"Name": "website"}]},
        "s3:ListBuckets": {"Buckets": [{"Name": "website"}]},
        "s3:HeadBucket": make_error("404", "Not Found"),
        "ec2:DescribeVpcs": {"Vpcs": [{"VpcId": "vpc-1"}]},
        "ec2:DescribeAvailabilityZones": {
            "AvailabilityZones": [{"ZoneName": name, "ZoneId": number} for name, number in zones]
        },
        "ec2:DescribeVpcEndpointServices": {
            "ServiceDetails": [{"ServiceName": "any", "AvailabilityZones": [name for name, _ in zones]}]
        },
        "service-quotas:GetServiceQuota": {"Quota": {"QuotaCode": "L-F678F1CE", "Value": 5.0}},
        "sesv2:GetEmailIdentity": make_identities({"techmart.example": {}}),
        "sesv2:GetAccount": make_sending_account(),
    }


def tagged_resources(*tags: dict[str, str]) -> Responses:
    """Return the responses for an existing table, secret and bucket with these tags."""
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


def make_account_plan(kind: str) -> dict[str, Any]:
    return {"accountId": NUMBER, "accountPlanType": kind, "accountPlanStatus": "ACTIVE"}


def make_concurrency_limits(concurrent: int) -> dict[str, Any]:
    return {"AccountLimit": {"ConcurrentExecutions": concurrent, "UnreservedConcurrentExecutions": concurrent}}


def make_offer(version: str, region: str, letters: str, **changed: object) -> dict[str, Any]:
    """Return RDS's offer of an engine version in the zones with these letters."""
    zones = [{"Name": f"{region}{letter}"} for letter in letters]
    return {
        "EngineVersion": version,
        "StorageType": "gp3",
        "MultiAZCapable": True,
        "AvailabilityZones": zones,
        **changed,
    }


def make_identities(verified: dict[str, dict[str, Any]]) -> Callable[[dict[str, Any]], Response]:
    """Return a function for verified identities of SES by name, with further fields of their responses."""

    def get_identity(request: dict[str, Any]) -> Response:
        name = request["EmailIdentity"]
        if name not in verified:
            return make_error("NotFoundException", f"Email identity {name} does not exist")
        return {"VerifiedForSendingStatus": True, **verified[name]}

    return get_identity


def make_sending_account(**changed: object) -> dict[str, Any]:
    quota = {"Max24HourSend": 50_000.0, "MaxSendRate": 14.0, "SentLast24Hours": 0.0}
    defaults = {"EnforcementStatus": "HEALTHY", "SendingEnabled": True, "ProductionAccessEnabled": True}
    return {**defaults, "SendQuota": quota, **changed}


def install_responses(monkeypatch: pytest.MonkeyPatch, responses: Responses) -> list[str]:
    """Make all clients of boto3 return these responses; return the list that gets the name and URL of each call."""
    # All clients share one loader: AWS's models have several megabytes.
    monkeypatch.setattr("botocore.loaders.create_loader", lambda _: MODELS)
    calls: list[str] = []
    make_client = boto3.session.Session.client

    def client(session: boto3.session.Session, service: str, **options: Any) -> Any:
        stubbed = make_client(session, service, **options)  # type: ignore[call-overload]

        def store_parameters(params: dict[str, Any], context: dict[str, Any], **_: object) -> None:
            context["parameters"] = dict(params)

        def respond(
            model: OperationModel, params: dict[str, Any], context: dict[str, Any], **_: object
        ) -> tuple[AWSResponse, dict[str, Any]]:
            name = f"{service}:{model.name}"
            calls.append(f"{name} {params['url']}")
            response = responses[name]
            if callable(response) and not isinstance(response, Exception):
                response = response(context["parameters"])
            if isinstance(response, ClientError):
                body = {**response.response, "ResponseMetadata": {}}
                return AWSResponse(params["url"], 400, HTTPHeaders(), None), body
            if isinstance(response, Exception):
                raise response
            assert model.output_shape is not None
            report = ParamValidator().validate(response, model.output_shape)
            assert not report.has_errors(), f"{name}: {report.generate_report()}"
            return AWSResponse(params["url"], 200, HTTPHeaders(), None), {**response, "ResponseMetadata": {}}

        stubbed.meta.events.register("provide-client-params", store_parameters)
        stubbed.meta.events.register("before-call", respond)
        return stubbed

    monkeypatch.setattr(boto3.session.Session, "client", client)
    return calls
