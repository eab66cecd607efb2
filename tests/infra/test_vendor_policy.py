"""Tests of the managed policy for vendors' own AWS identities."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from onboarding.cloudformation.templates import load_template
from onboarding.local.endpoints import emulator_client
from tests.support.running_pipeline import Pipeline

TEMPLATE = load_template("pipeline", {}, "000000000000", "us-east-1")

VARIABLE = "${aws:PrincipalTag/vendor_id}"


def make_vendor_client(pipeline: Pipeline, vendor: str | None) -> Any:
    """Return an S3 client of a user with the policy and, if named, the tag of a vendor.

    The AWS emulator evaluates the tag in conditions but, unlike AWS, not in resources: the test inserts it there.
    """
    iam = pipeline.endpoints.client("iam")
    [arn] = [
        policy["Arn"]
        for policy in iam.list_policies(Scope="Local")["Policies"]
        if policy["PolicyName"] == "product-onboarding-vendor"
    ]
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    document = json.dumps(iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"])
    assert VARIABLE in document
    name = f"vendor-{vendor or 'untagged'}"
    iam.create_user(UserName=name, Tags=[{"Key": "vendor_id", "Value": vendor}] if vendor else [])
    iam.put_user_policy(
        UserName=name,
        PolicyName="vendor",
        # A variable without a value matches nothing.
        PolicyDocument=document.replace(VARIABLE, vendor or "no such value"),
    )
    key = iam.create_access_key(UserName=name)["AccessKey"]
    endpoints = pipeline.endpoints
    return emulator_client(
        "s3", endpoints.aws_endpoint_url, endpoints.aws_region, key["AccessKeyId"], key["SecretAccessKey"]
    )


def is_allowed(call: Callable[..., object], **request: object) -> bool:
    """Return whether a call succeeds; raise its error unless it is a denial."""
    try:
        call(**request)
    except ClientError as error:
        if error.response["Error"]["Code"] not in {"AccessDenied", "403"}:
            raise
        return False
    return True


def test_vendor_policy_allows_only_own_prefixes(pipeline: Pipeline) -> None:
    bucket = pipeline.endpoints.bucket
    # The pipeline ignores these keys.
    for vendor in ("VEND001", "VEND002"):
        for prefix in ("uploads", "errors", "exports"):
            pipeline.s3.put_object(Bucket=bucket, Key=f"{prefix}/{vendor}/policy.txt", Body=b"x")
    clients = {vendor: make_vendor_client(pipeline, vendor) for vendor in ("VEND001", "VEND002")}
    for vendor, s3 in clients.items():
        for owner in clients:
            is_owner = owner == vendor
            upload = {"Bucket": bucket, "Key": f"uploads/{owner}/policy.txt"}
            report = {"Bucket": bucket, "Key": f"errors/{owner}/policy.txt"}
            assert is_allowed(s3.put_object, **upload, Body=b"x") is is_owner
            assert is_allowed(s3.get_object, **upload) is is_owner
            export = {"Bucket": bucket, "Key": f"exports/{owner}/policy.txt"}
            assert is_allowed(s3.get_object, **report) is is_owner
            assert is_allowed(s3.get_object, **export) is is_owner
            assert not is_allowed(s3.put_object, **export, Body=b"x")
            assert not is_allowed(s3.put_object, **report, Body=b"x")
            assert not is_allowed(s3.delete_object, **upload)
            assert is_allowed(s3.list_objects_v2, Bucket=bucket, Prefix=f"uploads/{owner}/") is is_owner
        assert not is_allowed(s3.list_objects_v2, Bucket=bucket)
        # The ID of another vendor may begin with this vendor's ID.
        assert not is_allowed(s3.put_object, Bucket=bucket, Key=f"uploads/{vendor}X/policy.txt", Body=b"x")


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, True),
        ({"StorageClass": "STANDARD"}, True),
        ({"ServerSideEncryption": "AES256"}, True),
        ({"StorageClass": "GLACIER"}, False),
        ({"StorageClass": "DEEP_ARCHIVE"}, False),
        ({"ServerSideEncryption": "aws:kms"}, False),
        ({"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "arn:aws:kms:us-east-1:999999999999:key/foreign"}, False),
        ({"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32}, False),
    ],
    ids=lambda value: "-".join(value.values()) if isinstance(value, dict) else "",
)
def test_vendor_policy_unreadable_object_is_denied(headers: dict[str, str], *, expected: bool) -> None:
    condition_keys = {
        "StorageClass": "s3:x-amz-storage-class",
        "ServerSideEncryption": "s3:x-amz-server-side-encryption",
        "SSEKMSKeyId": "s3:x-amz-server-side-encryption-aws-kms-key-id",
        "SSECustomerAlgorithm": "s3:x-amz-server-side-encryption-customer-algorithm",
    }
    context = {condition_keys[name]: value for name, value in headers.items() if name in condition_keys}
    assert put_is_allowed(context) is expected


def put_is_allowed(context: dict[str, str]) -> bool:
    """Return whether AWS allows a put with these condition keys, which the AWS emulator does not read from headers."""
    [statement] = [
        statement
        for statement in TEMPLATE.resources_of_type("AWS::IAM::ManagedPolicy")["VendorAccess"]["PolicyDocument"][
            "Statement"
        ]
        if statement["Sid"] == "PutOwnFiles"
    ]
    conditions = statement["Condition"]
    assert set(conditions) == {"StringLike", "StringEqualsIfExists", "Null"}
    equal = all(context.get(key, value) == value for key, value in conditions["StringEqualsIfExists"].items())
    return equal and not any(key in context for key, absent in conditions["Null"].items() if absent == "true")


@pytest.mark.parametrize("prefix", ["uploads/", "uploads//", "uploads/VEND001/"])
def test_vendor_policy_without_tag_denies_everything(pipeline: Pipeline, prefix: str) -> None:
    s3 = make_vendor_client(pipeline, None)
    try:
        assert not is_allowed(s3.put_object, Bucket=pipeline.endpoints.bucket, Key=f"{prefix}policy.txt", Body=b"x")
    finally:
        iam = pipeline.endpoints.client("iam")
        for key in iam.list_access_keys(UserName="vendor-untagged")["AccessKeyMetadata"]:
            iam.delete_access_key(UserName="vendor-untagged", AccessKeyId=key["AccessKeyId"])
        iam.delete_user_policy(UserName="vendor-untagged", PolicyName="vendor")
        iam.delete_user(UserName="vendor-untagged")
