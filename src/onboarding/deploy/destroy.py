"""`onboarding destroy`: deletes the stacks, and the data only if that is confirmed with the account's number."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from onboarding.deploy import buckets, checks
from onboarding.deploy.adopt import NAMES, has_database, kept
from onboarding.deploy.cost.bill import prices
from onboarding.deploy.existing import LISTINGS
from onboarding.deploy.ownership import find
from onboarding.deploy.plan import STACKS, TAG, MakeClient, Plan, Say, is_tagged, template_text
from onboarding.deploy.stacks import Stacks, is_deployment
from onboarding.domain.resource_names import resource_name
from onboarding.local.template import Template

NOT_TAGGED = f"stays: it does not carry the tag {TAG}, so it is another application's"


def destroy(client: MakeClient, plan: Plan, say: Say, *, with_data: bool, pause: float = 3) -> None:
    """Delete the stacks, the last one first. The database goes with a final snapshot, whatever `with_data` says.

    Without `with_data` buckets, tables and secrets stay, and the next deployment takes them over. What does not carry
    the deployments' tag is named and stays in any case. Raises DeployError, before anything is deleted, if the data is
    in another region.
    """
    account = checks.account_of(client)
    s3 = client("s3")
    if with_data:
        for kind, name in kept(account, s3.meta.region_name, plan.name_prefix):
            if kind == "AWS::S3::Bucket":
                buckets.is_there(s3, name, account)
    bucket = buckets.deploy_bucket_name(plan, account, s3.meta.region_name)
    stacks = Stacks(client, bucket, plan.tags, say, pause)
    for name in reversed(STACKS):
        say(f"Stack {plan.stack_name(name)}")
        for line in _delete_stack(client, stacks, plan, name, account):
            say(f"  {line}")
    if with_data:
        for line in delete_data(client, account, plan):
            say(f"  {line}")
    if buckets.is_there(s3, bucket, account):
        if is_tagged(buckets.tags_of(s3, bucket)):
            buckets.empty(s3, bucket)
            s3.delete_bucket(Bucket=bucket)
        else:
            say(f"  bucket {bucket} {NOT_TAGGED}")
    for line in _remaining(client, plan, account):
        say(line)


def _delete_stack(client: MakeClient, stacks: Stacks, plan: Plan, template: str, account: str) -> Iterator[str]:
    """Delete a stack if it is a deployment's; lines about it."""
    stack = stacks.describe(plan.stack_name(template))
    if stack is None:
        yield "is not there"
    elif not is_deployment(stack):
        yield NOT_TAGGED
    else:
        # The policy is the account's, whatever the region.
        if template == "pipeline":
            for whom in _detach(client("iam"), account, plan):
                yield f"takes the policy for vendors' own identities from {whom}"
        stacks.delete(plan.stack_name(template))


def delete_data(client: MakeClient, account: str, plan: Plan) -> Iterator[str]:
    """Empty and delete what the stacks kept; a line about each resource that was there."""
    for kind, name in kept(account, client("s3").meta.region_name, plan.name_prefix):
        existing = find(client, kind, name)
        if existing is None:
            continue
        if not existing.tagged:
            yield f"{LISTINGS[kind].noun} {name} {NOT_TAGGED}"
        elif kind == "AWS::S3::Bucket":
            count = buckets.empty(client("s3"), name)
            client("s3").delete_bucket(Bucket=name)
            yield f"deleted: bucket {name} with {count} versions of objects"
        elif kind == "AWS::DynamoDB::Table":
            client("dynamodb").delete_table(TableName=name)
            yield f"deleted: table {name}"
        else:
            # Thirty days to think better of it; until then no new secret can have the name, so it goes at once.
            client("secretsmanager").delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
            yield f"deleted: secret {name}"


def _remaining(client: MakeClient, plan: Plan, account: str) -> Iterator[str]:
    """Yield lines about what stays and costs money, and how to remove it."""
    names: dict[str, list[str]] = {kind: [] for kind in NAMES}
    for kind, name in kept(account, client("s3").meta.region_name, plan.name_prefix):
        existing = find(client, kind, name)
        if existing is not None and existing.tagged:
            names[kind].append(name)
    database = resource_name("ecommerce-db", plan.name_prefix)
    snapshots: list[str] = []
    # The deployment's database is deleted by now: one of that name, and its snapshots, are another application's.
    if not has_database(client, database):
        found = client("rds").describe_db_snapshots(DBInstanceIdentifier=database)["DBSnapshots"]
        snapshots = [snapshot["DBSnapshotIdentifier"] for snapshot in found]
    if not any(names.values()) and not snapshots:
        yield "Nothing stays that costs money."
        return
    yield "What stays costs money:"
    secret = prices()["secrets"]
    for kind, cost in (
        ("AWS::SecretsManager::Secret", f"{secret:.2f} USD a month each"),
        ("AWS::DynamoDB::Table", "their items, and backups of the last 35 days"),
        ("AWS::S3::Bucket", "what they store, with every version"),
    ):
        if names[kind]:
            yield f"  {LISTINGS[kind].noun}s ({cost}): {', '.join(names[kind])}"
    if any(names.values()):
        prefix = f" --name-prefix {plan.name_prefix}" if plan.name_prefix else ""
        yield f"  remove these with: onboarding destroy --delete-data --confirm-account {account}{prefix}"
    for snapshot in snapshots:
        yield f"  snapshot of the database (its storage): {snapshot}"
        yield f"  remove it with: aws rds delete-db-snapshot --db-snapshot-identifier {snapshot}"


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
