"""Buckets: creation of the bucket for templates, ownership, tags, and deletion of all object versions."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from onboarding.cloudformation.stack_runner import DeployError
from onboarding.deploy.plan import TAG, Plan, is_tagged
from onboarding.domain.resource_names import resource_name


def deploy_bucket_name(plan: Plan, account: str, region: str) -> str:
    """Return the name of the bucket that templates are uploaded to."""
    # `cfn` is short: with the longest prefix and region the name has the 63 characters that S3 allows.
    return resource_name(f"cfn-{account}-{region}", plan.name_prefix)


def ensure_deploy_bucket(s3: Any, account: str, plan: Plan) -> str:
    """Create the bucket for templates if it does not exist, configure it, and return its name. Its objects expire.

    Raises DeployError if there is a bucket of that name without the deployment's tag.
    """
    region = s3.meta.region_name
    name = deploy_bucket_name(plan, account, region)
    if not bucket_exists(s3, name, account):
        # S3 does not accept us-east-1 as a location constraint.
        location = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        s3.create_bucket(Bucket=name, **location)
    elif not is_tagged(get_tags(s3, name)):
        raise DeployError(
            f"the bucket {name} exists without the tag {TAG}. If a deployment of this product was interrupted while it "
            "created the bucket, add that tag or delete the bucket."
        )
    # First: after an interruption, the next run rejects a bucket without the tag.
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
    if plan.stage != "local":  # The local stack uses plain HTTP, on the loopback address only.
        s3.put_bucket_policy(Bucket=name, Policy=json.dumps(_deny_plain_http(f"arn:{s3.meta.partition}:s3:::{name}")))
    rule = {"ID": "old", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 30}}
    s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": [rule]})
    return name


def _deny_plain_http(arn: str) -> dict[str, Any]:
    denied = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": [arn, f"{arn}/*"]}
    condition = {"Bool": {"aws:SecureTransport": "false"}}
    return {"Version": "2012-10-17", "Statement": [{"Sid": "DenyPlainHttp", **denied, "Condition": condition}]}


def upload_host(plan: Plan, account: str, region: str) -> str:
    """Return the host of the upload bucket in pre-signed URLs, which browsers and e-mails use."""
    template = plan.template("pipeline", account, region)
    bucket = template.evaluate(template.resources_of_type("AWS::S3::Bucket")["UploadBucket"]["BucketName"])
    config = Config(
        signature_version=UNSIGNED,
        s3={"addressing_style": "virtual"},
        use_dualstack_endpoint=plan.dual_stack == "true",
    )
    s3 = boto3.session.Session().client("s3", region_name=region, config=config)
    return str(urlsplit(s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "any"})).hostname)


def bucket_exists(s3: Any, bucket: str, account: str) -> bool:
    """Return whether the account has this bucket. Raises DeployError if it is in another region.

    Raises ClientError with the code 403 if it belongs to another account, even one that allows access: anyone who knows
    the account number can create a bucket of this name.
    """
    try:
        response = s3.head_bucket(Bucket=bucket, ExpectedBucketOwner=account)
    except ClientError as error:
        if error.response["Error"]["Code"] in {"404", "NoSuchBucket"}:
            return False
        raise
    # boto3 follows the redirect to a bucket in another region.
    if response["BucketRegion"] != s3.meta.region_name:
        raise DeployError(
            f"the bucket {bucket} is in {response['BucketRegion']}, and this command is for {s3.meta.region_name}: "
            "a deployment is in one region (--region); a second one needs another --name-prefix"
        )
    return True


def get_tags(s3: Any, bucket: str) -> list[dict[str, str]]:
    """Return a bucket's tags."""
    try:
        tags: list[dict[str, str]] = s3.get_bucket_tagging(Bucket=bucket)["TagSet"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchTagSet":
            return []
        raise
    return tags


def empty_bucket(s3: Any, bucket: str, prefix: str = "") -> int:
    """Delete every version of every object under a prefix and return their number. Raises PermissionError."""
    count = 0
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
        objects = [
            {"Key": version["Key"], "VersionId": version["VersionId"]}
            for version in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        ]
        if objects:
            errors = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True}).get("Errors", [])
            if errors:
                raise PermissionError(f"{bucket}/{errors[0]['Key']}: {errors[0]['Message']}")
            count += len(objects)
    return count
