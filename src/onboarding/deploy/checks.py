"""Whether an account can take the deployment, found out before anything is made."""

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

from onboarding.deploy import buckets, concurrency, existing, mail_checks, zones
from onboarding.deploy.adopt import has_database, kept
from onboarding.deploy.findings import Finding, checked
from onboarding.deploy.images import builder, pinned
from onboarding.deploy.plan import STACKS, DeployError, MakeClient, Plan
from onboarding.deploy.stacks import UNUSABLE, describe_stack, is_deployment, stack_parameters
from onboarding.domain.resource_names import resource_name

VPCS_QUOTA = "L-F678F1CE"


def account_of(client: MakeClient) -> str:
    """Return the account's number. Raises DeployError if AWS does not accept the credentials, or there are none."""
    try:
        return str(client("sts").get_caller_identity()["Account"])
    except NoRegionError as error:
        raise DeployError("No AWS region is set. Name one with --region or AWS_REGION.") from error
    except (NoCredentialsError, PartialCredentialsError) as error:
        raise DeployError("No AWS credentials were found. Set them up as the AWS CLI needs them.") from error
    except EndpointConnectionError as error:
        raise DeployError(f"AWS cannot be reached. Check the name of the region, and the network. {error}") from error
    except (ClientError, BotoCoreError) as error:
        # The same answer comes from a region that is switched off for the account.
        raise DeployError(
            f"AWS does not accept the credentials in this region. Check them, and that the region is enabled for the "
            f"account. {error}"
        ) from error


def check(client: MakeClient, plan: Plan) -> Iterator[Finding]:
    """Yield everything worth knowing before it begins."""
    yield from _image(plan)
    partition = client("s3").meta.partition
    if partition != "aws":
        yield Finding(
            f"{client('s3').meta.region_name} is in the partition {partition}, and only commercial regions (partition "
            "aws) are supported: the image has no certificates of the other partitions' databases. Choose another "
            "region.",
            blocks=True,
        )
        return
    yield from checked("names in use", existing.findings(client, plan, account_of(client)))
    yield from checked("buckets", _buckets(client, plan))
    if plan.snapshot:
        yield from checked("the snapshot", _snapshot(client, plan))
    yield from checked("concurrency of functions", concurrency.findings(client, plan))
    yield from checked("VPCs", _vpcs(client, plan))
    # The local engine has PostgreSQL, and neither account plans nor a list of what RDS offers.
    if plan.stage != "local":
        yield from _account_plan(client)
        yield from checked("what RDS offers", _database(client, plan))
    yield from checked("SES", mail_checks.findings(client, plan))


def _image(plan: Plan) -> Iterator[Finding]:
    if plan.packaging != "Image":
        return
    tool = builder()
    yield (
        Finding(f"Images are built with {tool}.")
        if tool
        else Finding("No docker, podman or buildah is installed, and the image has to be built.", blocks=True)
    )
    if not pinned(plan.base_image):
        yield Finding(
            f"The image is built on {plan.base_image}, which moves, and is built again only when our sources "
            "change. Name it by its digest (--base-image) to know what runs; docs/deploy.md says how to find that."
        )


def _account_plan(client: MakeClient) -> Iterator[Finding]:
    try:
        free = client("freetier").get_account_plan_state()["accountPlanType"] == "FREE"
    except (ClientError, BotoCoreError):
        # An account from before July 2025 has no plan, and not everyone who may deploy may ask.
        return
    if free:
        yield Finding(
            "The account is on AWS's Free plan, and RDS refuses this database there: 7 days of backups are more than "
            "the plan allows, and so is an instance class above micro. Upgrade to the Paid plan in the Billing and "
            "Cost Management console, then run the command again: resources and remaining credits stay.",
            blocks=True,
        )


def _buckets(client: MakeClient, plan: Plan) -> Iterator[Finding]:
    s3, account = client("s3"), account_of(client)
    region = s3.meta.region_name
    names = [name for kind, name in kept(account, region, plan.name_prefix) if kind == "AWS::S3::Bucket"]
    for name in [*names, buckets.deploy_bucket_name(plan, account, region)]:
        try:
            buckets.is_there(s3, name, account)
        except DeployError as error:
            yield Finding(f"{error}.", blocks=True)
        except ClientError as error:
            if error.response["Error"]["Code"] != "403":
                raise
            yield Finding(
                f"The bucket {name} belongs to another account, or your credentials may not use it. Bucket names "
                "are unique in all of AWS: deploy with a prefix before every name (--name-prefix) if it is not yours.",
                blocks=True,
            )


def _snapshot(client: MakeClient, plan: Plan) -> Iterator[Finding]:
    """Yield why no database can begin with the plan's snapshot."""
    stack = describe_stack(client("cloudformation"), plan.stack_name("database"))
    if stack is not None and stack["StackStatus"] not in UNUSABLE:
        if stack_parameters(stack).get("SnapshotId") == plan.snapshot:
            # It may be deleted by now: the database does not need it any more.
            return
        if has_database(client, resource_name("ecommerce-db", plan.name_prefix)):
            yield Finding(
                f"The deployment has a database, and only a new one can begin with the snapshot {plan.snapshot}. "
                "docs/operations.md says how to go back to a backup.",
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


def _vpcs(client: MakeClient, plan: Plan) -> Iterator[Finding]:
    if _exists(client, plan.stack_name("network")):
        return
    count = len(client("ec2").describe_vpcs()["Vpcs"])
    try:
        quota = client("service-quotas").get_service_quota(ServiceCode="vpc", QuotaCode=VPCS_QUOTA)["Quota"]["Value"]
    except ClientError:
        # Not everyone who may deploy may ask; five is what every account begins with.
        quota = 5
    if count >= quota:
        yield Finding(f"The region has {count} VPCs and its quota is {quota:.0f}: no other fits.", blocks=True)


def _database(client: MakeClient, plan: Plan) -> Iterator[Finding]:
    stack = describe_stack(client("cloudformation"), plan.stack_name("database"))
    if stack is None or stack_parameters(stack).get("InstanceClass") != plan.instance_class:
        yield from zones.findings(client, plan, new_network=not _exists(client, plan.stack_name("network")))


def _exists(client: MakeClient, name: str) -> bool:
    return describe_stack(client("cloudformation"), name) is not None


def deployed(client: MakeClient, plan: Plan) -> list[str]:
    """The names of the deployment's stacks that are there."""
    stacks = {plan.stack_name(name): describe_stack(client("cloudformation"), plan.stack_name(name)) for name in STACKS}
    return [name for name, stack in stacks.items() if stack is not None and is_deployment(stack)]
