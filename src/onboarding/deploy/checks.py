"""Whether an account can take the deployment, found out before anything is made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from onboarding.deploy.images import builder
from onboarding.deploy.plan import STACKS, DeployError, MakeClient, Plan, stack_name

RESERVED = {
    "CsvParserConcurrency": 8,
    "ProductValidatorConcurrency": 8,
    "ApiConcurrency": 8,
    "WebhookConcurrency": 8,
}
"""What the template reserves by default."""

UNRESERVED = 100
"""What Lambda insists on leaving to all other functions of an account."""

VPCS_QUOTA = "L-F678F1CE"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found. `blocks`: the deployment would fail over it."""

    text: str
    blocks: bool = False


def account_of(client: MakeClient) -> str:
    """The account's number. Raises DeployError if there are no credentials that AWS accepts."""
    try:
        return str(client("sts").get_caller_identity()["Account"])
    except (ClientError, BotoCoreError) as error:
        raise DeployError(f"AWS does not accept the credentials, or there are none: {error}") from error


def check(client: MakeClient, plan: Plan) -> Iterator[Finding]:
    """Everything worth knowing before it begins."""
    if plan.packaging == "Image":
        tool = builder()
        yield (
            Finding(f"Images are built with {tool}.")
            if tool
            else Finding("No docker, podman or buildah is installed, and the image has to be built.", blocks=True)
        )
    yield from _lambda(client)
    yield from _vpcs(client)
    yield from _database(client, plan)
    yield from _mail(client, plan)


def concurrency(client: MakeClient) -> dict[str, str]:
    """The pipeline's parameters for an account that cannot spare what the template reserves: nothing is reserved."""
    limit = client("lambda").get_account_settings()["AccountLimit"]["ConcurrentExecutions"]
    return dict.fromkeys(RESERVED, "0") if limit < UNRESERVED + sum(RESERVED.values()) else {}


def _lambda(client: MakeClient) -> Iterator[Finding]:
    limit = client("lambda").get_account_settings()["AccountLimit"]["ConcurrentExecutions"]
    if limit < UNRESERVED + sum(RESERVED.values()):
        yield Finding(
            f"The account allows {limit} functions at once, too few to reserve any. It will work; ask for a quota of "
            "1,000 (Service Quotas, Lambda, Concurrent executions) before many vendors upload at once."
        )


def _vpcs(client: MakeClient) -> Iterator[Finding]:
    if _exists(client, stack_name("network")):
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
    # The local engine has PostgreSQL, and no list of what it offers.
    if plan.stage == "local" or _exists(client, stack_name("database")):
        return
    options = client("rds").describe_orderable_db_instance_options(
        Engine="postgres", DBInstanceClass=plan.instance_class, MaxRecords=100
    )["OrderableDBInstanceOptions"]
    if not options:
        yield Finding(f"RDS offers no PostgreSQL on {plan.instance_class} in this region.", blocks=True)


def _mail(client: MakeClient, plan: Plan) -> Iterator[Finding]:
    ses = client("sesv2")
    domain = plan.mail_sender.partition("@")[2]
    if not domain:
        yield Finding("No sender of mails is given (--mail-sender).", blocks=True)
        return
    if not any(_verified(ses, identity) for identity in (plan.mail_sender, domain)):
        yield Finding(
            f"SES has verified neither {plan.mail_sender} nor {domain}: mails to vendors will wait in the queue "
            "mailer-failures until it has. Verify it in the SES console, in this region.",
        )
    if not ses.get_account().get("ProductionAccessEnabled"):
        yield Finding(
            "SES is in its sandbox: it sends to verified addresses alone. Ask for production access in its console."
        )


def _verified(ses: object, identity: str) -> bool:
    try:
        return bool(ses.get_email_identity(EmailIdentity=identity)["VerifiedForSendingStatus"])  # type: ignore[attr-defined]
    except ClientError as error:
        if error.response["Error"]["Code"] == "NotFoundException":
            return False
        raise


def _exists(client: MakeClient, name: str) -> bool:
    try:
        return bool(client("cloudformation").describe_stacks(StackName=name)["Stacks"])
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":
            return False
        raise


def deployed(client: MakeClient) -> list[str]:
    """The names of the stacks that are there."""
    return [stack_name(name) for name in STACKS if _exists(client, stack_name(name))]
