"""Checks of an account before a deployment, without changes."""

from __future__ import annotations

from collections.abc import Iterator

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
)

from onboarding.cloudformation.stack_runner import DeployError, MakeClient, describe_stack, stack_parameters
from onboarding.deploy import availability_zones, buckets, email_checks, name_conflicts, reserved_concurrency
from onboarding.deploy.check_findings import Finding, include_failures
from onboarding.deploy.images import find_builder, is_pinned
from onboarding.deploy.plan import STACKS, Plan
from onboarding.deploy.retained_resources import database_exists, list_retained
from onboarding.deploy.stack_ownership import UNUSABLE_STATUSES, is_deployment
from onboarding.domain.resource_names import resource_name

VPC_QUOTA_CODE = "L-F678F1CE"
DEFAULT_VPCS = 5


def get_account(client: MakeClient) -> str:
    """Return the account's number. Raises DeployError if credentials are missing or not accepted by AWS."""
    try:
        return str(client("sts").get_caller_identity()["Account"])
    except NoRegionError as error:
        raise DeployError("No AWS region is set. Name one with --region or AWS_REGION.") from error
    except (NoCredentialsError, PartialCredentialsError) as error:
        raise DeployError("No AWS credentials were found. Configure them as for the AWS CLI.") from error
    except EndpointConnectionError as error:
        raise DeployError(f"AWS cannot be reached. Check the region's name and the network. {error}") from error
    except (ClientError, BotoCoreError) as error:
        # A region that is not enabled for the account responds in the same way.
        raise DeployError(
            "AWS does not accept the credentials in this region. Check them, and check that the region is enabled for "
            f"the account. {error}"
        ) from error


def run_checks(client: MakeClient, plan: Plan) -> Iterator[Finding]:
    """Yield the findings of all checks."""
    yield from _check_image(plan)
    partition = client("s3").meta.partition
    if partition != "aws":
        yield Finding(
            f"{client('s3').meta.region_name} is in the partition {partition}, and only commercial regions (partition "
            "aws) are supported: the image lacks the certificates of databases in other partitions. Choose another "
            "region.",
            blocks=True,
        )
        return
    yield from include_failures("names in use", name_conflicts.check_names(client, plan, get_account(client)))
    yield from include_failures("buckets", _check_buckets(client, plan))
    if plan.snapshot:
        yield from include_failures("the snapshot", _check_snapshot(client, plan))
    yield from include_failures("concurrency of functions", reserved_concurrency.check_concurrency(client, plan))
    yield from include_failures("VPCs", _check_vpcs(client, plan))
    # The AWS emulator has neither account plans nor a list of RDS offers.
    if plan.stage != "local":
        yield from _check_account_plan(client)
        yield from include_failures("RDS offers", _check_database(client, plan))
    yield from include_failures("SES", email_checks.check_ses(client, plan))


def _check_image(plan: Plan) -> Iterator[Finding]:
    if plan.packaging != "Image":
        return
    tool = find_builder()
    yield (
        Finding(f"Images are built with {tool}.")
        if tool
        else Finding("No docker, podman or buildah is installed, and the image has to be built.", blocks=True)
    )
    if not is_pinned(plan.base_image):
        yield Finding(
            f"The image is built on {plan.base_image}, whose content changes over time, but the image is rebuilt only "
            "when its sources change. Name the base by its digest (--base-image); docs/deploy.md says how to find it."
        )


def _check_account_plan(client: MakeClient) -> Iterator[Finding]:
    try:
        is_free = client("freetier").get_account_plan_state()["accountPlanType"] == "FREE"
    except (ClientError, BotoCoreError):
        # Accounts from before July 2025 have no plan, and permissions to deploy do not include this call.
        return
    if is_free:
        yield Finding(
            "The account is on AWS's Free plan, and RDS rejects this database there: the plan does not allow 7 days of "
            "backups or an instance class above micro. Upgrade to the Paid plan in the Billing and Cost Management "
            "console, then run the command again: resources and remaining credits are kept.",
            blocks=True,
        )


def _check_buckets(client: MakeClient, plan: Plan) -> Iterator[Finding]:
    s3, account = client("s3"), get_account(client)
    region = s3.meta.region_name
    retained = list_retained(plan, account, region)
    names = [name for resource_type, name in retained if resource_type == "AWS::S3::Bucket"]
    for name in [*names, buckets.deploy_bucket_name(plan, account, region)]:
        try:
            buckets.bucket_exists(s3, name, account)
        except DeployError as error:
            yield Finding(f"{error}.", blocks=True)
        except ClientError as error:
            if error.response["Error"]["Code"] != "403":
                raise
            yield Finding(
                f"The bucket {name} belongs to another account, or your credentials do not allow its use. Bucket names "
                "are unique in all of AWS: if it is not yours, deploy with a prefix for all names (--name-prefix).",
                blocks=True,
            )


def _check_snapshot(client: MakeClient, plan: Plan) -> Iterator[Finding]:
    """Yield the reason for which no database can be created from the plan's snapshot, if there is one."""
    stack = describe_stack(client("cloudformation"), plan.stack_name("database"))
    if stack is not None and stack["StackStatus"] not in UNUSABLE_STATUSES:
        if stack_parameters(stack).get("SnapshotId") == plan.snapshot:
            # The database no longer needs the snapshot, which may be deleted.
            return
        if database_exists(client, resource_name("ecommerce-db", plan.name_prefix)):
            yield Finding(
                f"The deployment has a database, and only a new one can be created from the snapshot {plan.snapshot}. "
                "docs/operations.md says how to restore a backup.",
                blocks=True,
            )
            return
    try:
        [snapshot] = client("rds").describe_db_snapshots(DBSnapshotIdentifier=plan.snapshot)["DBSnapshots"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "DBSnapshotNotFound":
            raise
        yield Finding(f"This region has no snapshot {plan.snapshot}.", blocks=True)
    else:
        if snapshot["Status"] != "available":
            yield Finding(
                f"The snapshot {plan.snapshot} cannot be used in its status {snapshot['Status']}. Wait until it is "
                "available.",
                blocks=True,
            )


def _check_vpcs(client: MakeClient, plan: Plan) -> Iterator[Finding]:
    if _stack_exists(client, plan.stack_name("network")):
        return
    count = len(client("ec2").describe_vpcs()["Vpcs"])
    try:
        quota = client("service-quotas").get_service_quota(ServiceCode="vpc", QuotaCode=VPC_QUOTA_CODE)["Quota"][
            "Value"
        ]
    except ClientError:
        # Permissions to deploy do not include this call.
        quota = DEFAULT_VPCS
    if count >= quota:
        yield Finding(
            f"The region has {count} VPCs, and its quota is {quota:.0f}: another one is not possible.", blocks=True
        )


def _check_database(client: MakeClient, plan: Plan) -> Iterator[Finding]:
    stack = describe_stack(client("cloudformation"), plan.stack_name("database"))
    if stack is None or stack_parameters(stack).get("InstanceClass") != plan.instance_class:
        yield from availability_zones.check_zones(
            client, plan, new_network=not _stack_exists(client, plan.stack_name("network"))
        )


def _stack_exists(client: MakeClient, name: str) -> bool:
    return describe_stack(client("cloudformation"), name) is not None


def list_deployed_stacks(client: MakeClient, plan: Plan) -> list[str]:
    """Return the names of the deployment's existing stacks."""
    stacks = {plan.stack_name(name): describe_stack(client("cloudformation"), plan.stack_name(name)) for name in STACKS}
    return [name for name, stack in stacks.items() if stack is not None and is_deployment(stack)]
