"""Whether an account can take the deployment, found out before anything is made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from onboarding.deploy import buckets
from onboarding.deploy.adopt import kept
from onboarding.deploy.images import builder, pinned
from onboarding.deploy.plan import STACKS, DeployError, MakeClient, Plan, template_text
from onboarding.local.template import Template

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
        if not pinned(plan.base_image):
            yield Finding(
                f"The image is built on {plan.base_image}, which moves, and anew only when our sources change. Name it "
                "by its digest (--base-image) to know what runs; docs/deploy.md says how to find that."
            )
    yield from _buckets(client, plan)
    yield from _lambda(client, plan)
    yield from _vpcs(client, plan)
    yield from _database(client, plan)
    yield from _mail(client, plan)


def concurrency(client: MakeClient, plan: Plan) -> dict[str, str]:
    """The pipeline's parameters for an account that cannot spare what the plan reserves: only what it names itself."""
    reserved = reservations(plan)
    if sum(reserved.values()) <= _spare(client, plan):
        return {}
    return {parameter: "0" for parameter in reserved if parameter not in plan.pipeline_parameters}


def reservations(plan: Plan) -> dict[str, int]:
    """How many functions at once the pipeline keeps free for itself, by the parameter that says so."""
    template = Template(template_text("pipeline"), plan.pipeline_parameters, "", "")
    found = {}
    for function in template.of_type("AWS::Lambda::Function").values():
        match function.get("ReservedConcurrentExecutions"):
            case {"Fn::If": [_, {"Ref": str(parameter)}, _]}:
                value = template.parameter(parameter)
                if not value.isdecimal():
                    raise DeployError(f"{parameter} is a whole number, not '{value}'")
                found[parameter] = int(value)
    return found


def _spare(client: MakeClient, plan: Plan) -> int:
    """How many of the account's functions at once may be reserved, beside what others have: ours may be there."""
    lambdas = client("lambda")
    spare: int = lambdas.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"] - UNRESERVED
    template = Template(template_text("pipeline"), {"NamePrefix": plan.name_prefix}, "", "")
    for function in template.of_type("AWS::Lambda::Function").values():
        try:
            answer = lambdas.get_function_concurrency(FunctionName=template.value(function["FunctionName"]))
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
        else:
            spare += answer.get("ReservedConcurrentExecutions", 0)
    return max(spare, 0)


def _lambda(client: MakeClient, plan: Plan) -> Iterator[Finding]:
    reserved = reservations(plan)
    spare = _spare(client, plan)
    said = {parameter: value for parameter, value in reserved.items() if parameter in plan.pipeline_parameters}
    ask = "Ask for a quota of 1,000 (Service Quotas, Lambda, Concurrent executions)"
    if sum(said.values()) > spare:
        named = ", ".join(f"{parameter}={value}" for parameter, value in said.items())
        yield Finding(f"The account can reserve {spare} functions at once, fewer than {named}. {ask}.", blocks=True)
    elif sum(reserved.values()) > spare:
        yield Finding(
            f"The account can reserve {spare} functions at once, and {sum(reserved.values())} are wanted: none will be "
            f"but what --set says. It will work. {ask} before many vendors upload at once."
        )


def _buckets(client: MakeClient, plan: Plan) -> Iterator[Finding]:
    s3 = client("s3")
    for kind, name in kept(account_of(client), s3.meta.region_name, plan.name_prefix):
        if kind == "AWS::S3::Bucket":
            try:
                buckets.is_there(s3, name)
            except DeployError as error:
                yield Finding(f"{error}.", blocks=True)


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
    # The local engine has PostgreSQL, and no list of what it offers.
    if plan.stage == "local" or _exists(client, plan.stack_name("database")):
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


def deployed(client: MakeClient, plan: Plan) -> list[str]:
    """The names of the stacks that are there."""
    return [plan.stack_name(name) for name in STACKS if _exists(client, plan.stack_name(name))]
