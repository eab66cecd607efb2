"""Buckets: the one that carries templates to CloudFormation, and emptying those with versions."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from botocore.exceptions import ClientError

from onboarding.deploy.plan import TAG, DeployError, Plan, is_tagged, template_text
from onboarding.domain.resource_names import resource_name
from onboarding.local.template import Template

CODE_KEY = "functions.zip"


def deploy_bucket_name(plan: Plan, account: str, region: str) -> str:
    # No longer word: with the longest prefix and region it has the 63 characters that S3 allows.
    return resource_name(f"cfn-{account}-{region}", plan.name_prefix)


def deploy_bucket(s3: Any, account: str, plan: Plan) -> str:
    """The bucket that templates go through, made if it is not there; what is in it expires.

    Raises DeployError if there is a bucket of that name without the deployments' tag.
    """
    region = s3.meta.region_name
    name = deploy_bucket_name(plan, account, region)
    if not is_there(s3, name, account):
        # us-east-1 may not be named as a place.
        place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        s3.create_bucket(Bucket=name, **place)
    elif not is_tagged(tags_of(s3, name)):
        raise DeployError(
            f"the bucket {name} exists and does not carry the tag {TAG}. If a deployment of this product was "
            "interrupted as it created the bucket, give it that tag or delete it."
        )
    # First of all: without its tag the next run would refuse it.
    s3.put_bucket_tagging(
        Bucket=name, Tagging={"TagSet": [{"Key": key, "Value": value} for key, value in plan.tags.items()]}
    )
    s3.put_public_access_block(
        Bucket=name,
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": True,
            "IgnorePublicAcls": True,
            "BlockPublicPolicy": True,
            "RestrictPublicBuckets": True,
        },
    )
    if plan.stage != "local":  # which speaks plain HTTP, on the loopback address alone
        s3.put_bucket_policy(Bucket=name, Policy=json.dumps(_refuse_plain_http(f"arn:{s3.meta.partition}:s3:::{name}")))
    rule = {"ID": "old", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 30}}
    s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": [rule]})
    return name


def _refuse_plain_http(arn: str) -> dict[str, Any]:
    denied = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": [arn, f"{arn}/*"]}
    plain = {"Bool": {"aws:SecureTransport": "false"}}
    return {"Version": "2012-10-17", "Statement": [{"Sid": "RefusePlainHttp", **denied, "Condition": plain}]}


def upload_host(plan: Plan, account: str, region: str) -> str:
    """Return the host of the bucket for uploads in the addresses that the functions sign, for browsers and mails."""
    template = Template(template_text("pipeline"), {"NamePrefix": plan.name_prefix}, account, region)
    name = template.value(template.of_type("AWS::S3::Bucket")["UploadBucket"]["BucketName"])
    if plan.dual_stack == "true":
        return f"{name}.s3.dualstack.{region}.amazonaws.com"
    return f"{name}.s3.amazonaws.com" if region == "us-east-1" else f"{name}.s3.{region}.amazonaws.com"


def put_placeholder(s3: Any, bucket: str) -> dict[str, str]:
    """The template's parameters for code that is a zip; functions of the local engine run the installed package."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("README", "The functions' code is the installed package `onboarding`.\n")
    s3.put_object(Bucket=bucket, Key=CODE_KEY, Body=content.getvalue())
    return code_parameters(bucket)


def code_parameters(bucket: str) -> dict[str, str]:
    return {"CodeBucket": bucket, "CodeKey": CODE_KEY}


def is_there(s3: Any, bucket: str, account: str) -> bool:
    """Return whether the account has such a bucket. Raises DeployError if it is in another region.

    Raises ClientError with the code 403 if it is another account's, even if that account lets everybody use it: names
    that contain an account's number are easily guessed.
    """
    try:
        answer = s3.head_bucket(Bucket=bucket, ExpectedBucketOwner=account)
    except ClientError as error:
        if error.response["Error"]["Code"] in {"404", "NoSuchBucket"}:
            return False
        raise
    # boto3 follows a bucket to wherever it is.
    if answer["BucketRegion"] != s3.meta.region_name:
        raise DeployError(
            f"{bucket} is a bucket in {answer['BucketRegion']}, and this is about {s3.meta.region_name}: "
            "a deployment is in one region (--region); another one needs another --name-prefix"
        )
    return True


def tags_of(s3: Any, bucket: str) -> list[dict[str, str]]:
    """Return a bucket's tags; none if it has none."""
    try:
        tags: list[dict[str, str]] = s3.get_bucket_tagging(Bucket=bucket)["TagSet"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchTagSet":
            return []
        raise
    return tags


def empty(s3: Any, bucket: str, prefix: str = "") -> int:
    """Delete every version of every object; how many there were."""
    count = 0
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
        objects = [
            {"Key": found["Key"], "VersionId": found["VersionId"]}
            for found in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        ]
        if objects:
            refused = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True}).get("Errors", [])
            if refused:
                raise PermissionError(f"{bucket}/{refused[0]['Key']}: {refused[0]['Message']}")
            count += len(objects)
    return count
