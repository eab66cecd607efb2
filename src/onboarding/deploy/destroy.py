"""`onboarding destroy`: everything that costs goes; data goes only when that is said, and said again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from onboarding.deploy import buckets, checks
from onboarding.deploy.plan import PREFIX, STACKS, MakeClient, Plan, Say, stack_name, template_text
from onboarding.deploy.stacks import Stacks
from onboarding.local.template import Template

DATABASE = "ecommerce-db"


def destroy(client: MakeClient, plan: Plan, say: Say, *, with_data: bool, pause: float = 3) -> None:
    """Delete the stacks, the last one first. The database goes with a final snapshot, whatever `with_data` says.

    Without `with_data` buckets, tables and secrets stay, and the next deployment takes them over.
    """
    account = checks.account_of(client)
    bucket = f"{PREFIX}-deploy-{account}-{client('s3').meta.region_name}"
    stacks = Stacks(client, bucket, plan.tags, say, pause)
    for name in reversed(STACKS):
        say(f"Stack {stack_name(name)}")
        if name == "database":
            _unprotect(client, say)
        if not stacks.delete(stack_name(name)):
            say("  is not there")
    if with_data:
        for what in delete_data(client, account):
            say(f"  deleted: {what}")
    if _has_bucket(client("s3"), bucket):
        buckets.empty(client("s3"), bucket)
        client("s3").delete_bucket(Bucket=bucket)
    snapshots = client("rds").describe_db_snapshots(DBInstanceIdentifier=DATABASE)["DBSnapshots"]
    for snapshot in snapshots:
        say(f"Snapshot that stays: {snapshot['DBSnapshotIdentifier']}")


def delete_data(client: MakeClient, account: str) -> Iterator[str]:
    """Empty and delete what the stacks kept; what was deleted, one by one."""
    for kind, name in kept(account, client("s3").meta.region_name):
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


def kept(account: str, region: str) -> list[tuple[str, str]]:
    """Type and name of everything that outlives the stacks."""
    names = {
        "AWS::S3::Bucket": "BucketName",
        "AWS::DynamoDB::Table": "TableName",
        "AWS::SecretsManager::Secret": "Name",
    }
    found: list[tuple[str, str]] = []
    for stack in STACKS:
        template = Template(template_text(stack), {}, account, region)
        for kind, name in names.items():
            found += [(kind, template.value(properties[name])) for properties in template.of_type(kind).values()]
    return list(dict.fromkeys(found))


def _unprotect(client: MakeClient, say: Say) -> None:
    """The database guards itself against being deleted; `destroy` was asked to."""
    rds = client("rds")
    try:
        [database] = rds.describe_db_instances(DBInstanceIdentifier=DATABASE)["DBInstances"]
    except ClientError as error:
        if error.response["Error"]["Code"] in {"DBInstanceNotFound", "DBInstanceNotFoundFault"}:
            return
        raise
    if database["DeletionProtection"]:
        say(f"  {DATABASE}: deletion protection off; a final snapshot is made")
        rds.modify_db_instance(DBInstanceIdentifier=DATABASE, DeletionProtection=False, ApplyImmediately=True)


def _has_bucket(s3: Any, name: str) -> bool:
    try:
        s3.head_bucket(Bucket=name)
    except ClientError as error:
        if error.response["Error"]["Code"] in {"404", "NoSuchBucket"}:
            return False
        raise
    return True
