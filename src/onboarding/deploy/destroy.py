"""`onboarding destroy`: everything that costs goes; data goes only when that is said, and said again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from onboarding.deploy import buckets, checks
from onboarding.deploy.adopt import kept
from onboarding.deploy.plan import STACKS, MakeClient, Plan, Say, template_text
from onboarding.deploy.stacks import Stacks
from onboarding.local.template import Template
from onboarding.resource_names import resource_name


def destroy(client: MakeClient, plan: Plan, say: Say, *, with_data: bool, pause: float = 3) -> None:
    """Delete the stacks, the last one first. The database goes with a final snapshot, whatever `with_data` says.

    Without `with_data` buckets, tables and secrets stay, and the next deployment takes them over. Raises DeployError,
    before anything is deleted, if the data is in another region.
    """
    account = checks.account_of(client)
    s3 = client("s3")
    if with_data:
        for kind, name in kept(account, s3.meta.region_name, plan.name_prefix):
            if kind == "AWS::S3::Bucket":
                buckets.is_there(s3, name)
    bucket = buckets.deploy_bucket_name(plan, account, s3.meta.region_name)
    stacks = Stacks(client, bucket, plan.tags, say, pause)
    for name in reversed(STACKS):
        say(f"Stack {plan.stack_name(name)}")
        # The policy is the account's, whatever the region.
        if name == "pipeline" and stacks.describe(plan.stack_name(name)) is not None:
            for whom in _detach(client("iam"), account, plan):
                say(f"  takes the policy for vendors' own identities from {whom}")
        if not stacks.delete(plan.stack_name(name)):
            say("  is not there")
    if with_data:
        for what in delete_data(client, account, plan):
            say(f"  deleted: {what}")
    if buckets.is_there(s3, bucket):
        buckets.empty(s3, bucket)
        s3.delete_bucket(Bucket=bucket)
    database = resource_name("ecommerce-db", plan.name_prefix)
    snapshots = client("rds").describe_db_snapshots(DBInstanceIdentifier=database)["DBSnapshots"]
    for snapshot in snapshots:
        say(f"Snapshot that stays: {snapshot['DBSnapshotIdentifier']}")


def delete_data(client: MakeClient, account: str, plan: Plan) -> Iterator[str]:
    """Empty and delete what the stacks kept; what was deleted, one by one."""
    for kind, name in kept(account, client("s3").meta.region_name, plan.name_prefix):
        try:
            if kind == "AWS::S3::Bucket":
                count = buckets.empty(client("s3"), name)
                client("s3").delete_bucket(Bucket=name)
                yield f"bucket {name} with {count} versions of objects"
            elif kind == "AWS::DynamoDB::Table":
                client("dynamodb").delete_table(TableName=name)
                yield f"table {name}"
            else:
                # Thirty days to think better of it; until then no new secret can have the name, so it goes at once.
                client("secretsmanager").delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
                yield f"secret {name}"
        except ClientError as error:
            if error.response["Error"]["Code"] not in {"NoSuchBucket", "ResourceNotFoundException"}:
                raise


def _detach(iam: Any, account: str, plan: Plan) -> Iterator[str]:
    """Take the vendors' policy from whoever an operator gave it to, since it cannot be deleted before; who had it."""
    template = Template(template_text("pipeline"), {"NamePrefix": plan.name_prefix}, account, "")
    name = template.value(template.of_type("AWS::IAM::ManagedPolicy")["VendorAccess"]["ManagedPolicyName"])
    arn = f"arn:{iam.meta.partition}:iam::{account}:policy/{name}"
    try:
        pages = list(iam.get_paginator("list_entities_for_policy").paginate(PolicyArn=arn))
    except iam.exceptions.NoSuchEntityException:
        return
    for page in pages:
        for user in page["PolicyUsers"]:
            iam.detach_user_policy(UserName=user["UserName"], PolicyArn=arn)
            yield f"the user {user['UserName']}"
        for role in page["PolicyRoles"]:
            iam.detach_role_policy(RoleName=role["RoleName"], PolicyArn=arn)
            yield f"the role {role['RoleName']}"
        for group in page["PolicyGroups"]:
            iam.detach_group_policy(GroupName=group["GroupName"], PolicyArn=arn)
            yield f"the group {group['GroupName']}"
