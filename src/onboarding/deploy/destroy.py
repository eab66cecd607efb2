"""Removal of a deployment: its stacks and, if requested, its data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from onboarding.cloudformation.resource_imports import NAME_PROPERTIES
from onboarding.cloudformation.stack_runner import MakeClient, PrintLine
from onboarding.deploy import account_checks, buckets
from onboarding.deploy.cost.bill import load_prices
from onboarding.deploy.name_conflicts import LISTINGS
from onboarding.deploy.plan import STACKS, TAG, Plan, is_tagged
from onboarding.deploy.resource_ownership import find_resource
from onboarding.deploy.retained_resources import database_exists, list_retained
from onboarding.deploy.stack_ownership import DeploymentStacks, is_deployment
from onboarding.domain.resource_names import resource_name

RETAINED_WITHOUT_TAG = f"is kept: it lacks the tag {TAG}, so it belongs to another application"


def destroy(client: MakeClient, plan: Plan, print_line: PrintLine, *, with_data: bool, pause: float = 3) -> None:
    """Delete the stacks in reverse order, and the database with a final snapshot.

    Without `with_data` buckets, tables and secrets are retained, and the next deployment imports them. Resources
    without the deployment's tag are always kept and reported. Raises DeployError before the first deletion if the data
    is in another region.
    """
    account = account_checks.get_account(client)
    s3 = client("s3")
    if with_data:
        for resource_type, name in list_retained(plan, account, s3.meta.region_name):
            if resource_type == "AWS::S3::Bucket":
                buckets.bucket_exists(s3, name, account)
    bucket = buckets.deploy_bucket_name(plan, account, s3.meta.region_name)
    stacks = DeploymentStacks(client, bucket, plan.tags, print_line, pause)
    for name in reversed(STACKS):
        print_line(f"Stack {plan.stack_name(name)}")
        for line in _delete_stack(client, stacks, plan, name, account):
            print_line(f"  {line}")
    if with_data:
        for line in delete_data(client, account, plan):
            print_line(f"  {line}")
    if buckets.bucket_exists(s3, bucket, account):
        if is_tagged(buckets.get_tags(s3, bucket)):
            buckets.empty_bucket(s3, bucket)
            s3.delete_bucket(Bucket=bucket)
        else:
            print_line(f"  bucket {bucket} {RETAINED_WITHOUT_TAG}")
    for line in _list_remaining(client, plan, account):
        print_line(line)


def _delete_stack(
    client: MakeClient, stacks: DeploymentStacks, plan: Plan, template: str, account: str
) -> Iterator[str]:
    """Delete a stack if it belongs to a deployment, and yield lines for the user about it."""
    stack = stacks.describe(plan.stack_name(template))
    if stack is None:
        yield "does not exist"
    elif not is_deployment(stack):
        yield RETAINED_WITHOUT_TAG
    else:
        if template == "pipeline":
            for identity in _detach_vendor_policy(client("iam"), account, plan):
                yield f"detached the policy for vendors' own identities from {identity}"
        stacks.delete(plan.stack_name(template))


def delete_data(client: MakeClient, account: str, plan: Plan) -> Iterator[str]:
    """Delete the retained resources, and yield a line for the user about each."""
    for resource_type, name in list_retained(plan, account, client("s3").meta.region_name):
        resource = find_resource(client, resource_type, name)
        if resource is None:
            continue
        if not resource.is_tagged:
            yield f"{LISTINGS[resource_type].noun} {name} {RETAINED_WITHOUT_TAG}"
        elif resource_type == "AWS::S3::Bucket":
            count = buckets.empty_bucket(client("s3"), name)
            client("s3").delete_bucket(Bucket=name)
            yield f"deleted: bucket {name} with {count} versions of objects"
        elif resource_type == "AWS::DynamoDB::Table":
            client("dynamodb").delete_table(TableName=name)
            yield f"deleted: table {name}"
        else:
            # Immediately: during a recovery period of 30 days no new secret can have this name.
            client("secretsmanager").delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
            yield f"deleted: secret {name}"


def _list_remaining(client: MakeClient, plan: Plan, account: str) -> Iterator[str]:
    """Yield lines for the user about the remaining resources that cost money, with commands to remove them."""
    names: dict[str, list[str]] = {resource_type: [] for resource_type in NAME_PROPERTIES}
    for resource_type, name in list_retained(plan, account, client("s3").meta.region_name):
        resource = find_resource(client, resource_type, name)
        if resource is not None and resource.is_tagged:
            names[resource_type].append(name)
    database = resource_name("ecommerce-db", plan.name_prefix)
    snapshots: list[str] = []
    # The deployment's database is deleted, so an existing database of that name belongs to another application.
    if not database_exists(client, database):
        response = client("rds").describe_db_snapshots(DBInstanceIdentifier=database)
        snapshots = [snapshot["DBSnapshotIdentifier"] for snapshot in response["DBSnapshots"]]
    if not any(names.values()) and not snapshots:
        yield "No remaining resource costs money."
        return
    yield "These remaining resources cost money:"
    secret = load_prices()["secrets"]
    for resource_type, cost in (
        ("AWS::SecretsManager::Secret", f"{secret:.2f} USD a month each"),
        ("AWS::DynamoDB::Table", "their items, and backups of the last 35 days"),
        ("AWS::S3::Bucket", "every version of their objects"),
    ):
        if names[resource_type]:
            yield f"  {LISTINGS[resource_type].noun}s ({cost}): {', '.join(names[resource_type])}"
    if any(names.values()):
        prefix = f" --name-prefix {plan.name_prefix}" if plan.name_prefix else ""
        yield f"  remove these with: onboarding destroy --delete-data --confirm-account {account}{prefix}"
    for snapshot in snapshots:
        yield f"  snapshot of the database (its storage): {snapshot}"
        yield f"  remove it with: aws rds delete-db-snapshot --db-snapshot-identifier {snapshot}"


def _detach_vendor_policy(iam: Any, account: str, plan: Plan) -> Iterator[str]:
    """Detach the vendors' policy from all identities and yield them. IAM does not delete an attached policy."""
    template = plan.template("pipeline", account)
    policy = template.resources_of_type("AWS::IAM::ManagedPolicy")["VendorAccess"]
    name = template.evaluate(policy["ManagedPolicyName"])
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
