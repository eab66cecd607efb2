"""`onboarding deploy` and `onboarding destroy`."""

from __future__ import annotations

from typing import Annotated

import boto3
import typer

from onboarding.cli.console import say
from onboarding.cli.cost import Network
from onboarding.cli.failures import CommandError
from onboarding.cost.bill import Choice, bill, total
from onboarding.deploy.adopt import kept
from onboarding.deploy.checks import account_of, deployed
from onboarding.deploy.destroy import destroy
from onboarding.deploy.plan import BASE_IMAGE, DeployError, MakeClient, Plan, template_text
from onboarding.deploy.steps import Deployment, client_of
from onboarding.local.template import Template

Region = Annotated[str | None, typer.Option(envvar="AWS_REGION", help="The AWS region; else as the AWS CLI has it.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def deploy_command(
    *,
    mail_sender: Annotated[str, typer.Option(help="The address that vendors get mail from, verified in SES.")],
    base_image: Annotated[
        str, typer.Option(help="What the functions' image is built on; best by its digest, NAME@sha256:…")
    ] = BASE_IMAGE,
    rds_ca_sha256: Annotated[
        str, typer.Option(help="The SHA-256 that RDS's certificates must have as the image is built; else any.")
    ] = "",
    operator_email: Annotated[str, typer.Option(help="Gets notifications and alarms.")] = "",
    network: Annotated[Network, typer.Option(help="How functions reach AWS.")] = "ipv6",
    multi_az: Annotated[bool, typer.Option("--multi-az", help="A standby of the database.")] = False,
    instance_class: Annotated[str, typer.Option(help="The database's size.")] = "db.t4g.micro",
    snapshot: Annotated[str, typer.Option(help="Begin with the data of this snapshot of the database.")] = "",
    public_url: Annotated[
        str, typer.Option(help="Where links in mails begin, if the API has a domain of its own.")
    ] = "",
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Another parameter of infra/pipeline.yaml; may be repeated."),
    ] = None,
    stage: Annotated[str, typer.Option(help="A word for the tags.")] = "production",
    region: Region = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only check and say what would be made.")] = False,
    yes: Yes = False,
) -> None:
    """Deploy everything to AWS, or bring it up to date. Safe to repeat: it goes on where it stopped."""
    public_url = public_url.removesuffix("/")
    parameters = _parameters([*(settings or []), *([f"PublicUrl={public_url}"] if public_url else [])])
    plan = Plan(
        stage=stage,
        outbound=network,
        multi_az=multi_az,
        instance_class=instance_class,
        snapshot=snapshot,
        mail_sender=mail_sender,
        operator_email=operator_email,
        base_image=base_image,
        ca_sha256=rds_ca_sha256,
        pipeline_parameters=parameters,
    )
    if plan.stage == "local":
        raise CommandError("The stage `local` is the local engine's: onboarding local up")
    client = _client(region)
    deployment = Deployment(client, plan, say)
    try:
        _announce(client, deployment)
        if dry_run:
            return
        if not yes:
            typer.confirm("Go on?", abort=True)
        outputs = deployment.run()
    except DeployError as error:
        raise CommandError(f"{error}\nRun the command again to go on from here.") from error
    say()
    say(f"Deployed. Vendors put their files into s3://{outputs['Bucket']}/uploads/<vendor id>/")
    say(f"Links in mails begin with {public_url or outputs['ApiEndpoint']}")
    say(f"Commands find it with: export S3_BUCKET_NAME={outputs['Bucket']}")


def destroy_command(
    *,
    delete_data: Annotated[bool, typer.Option("--delete-data", help="Buckets, tables and secrets too.")] = False,
    confirm_account: Annotated[
        str, typer.Option(help="With --delete-data: the account's number, to say it a second time.")
    ] = "",
    region: Region = None,
    yes: Yes = False,
) -> None:
    """Remove everything that costs. The database leaves a final snapshot; buckets, tables and secrets stay.

    With --delete-data they go as well, with every version of every file, if --confirm-account says the same again.
    """
    client = _client(region)
    try:
        account = account_of(client)
        region = client("s3").meta.region_name
        if delete_data and confirm_account != account:
            names = "\n".join(f"  {name}" for _, name in kept(account, region))
            raise CommandError(
                f"--delete-data deletes for good, in {region}:\n{names}\n"
                f"If that is meant, say it again: --confirm-account {account}"
            )
        say(f"Account {account}, region {region}. These stacks go:")
        for name in deployed(client, Plan()):
            say(f"  {name}")
        if not yes:
            typer.confirm("Go on?", abort=True)
        destroy(client, Plan(), say, with_data=delete_data)
    except DeployError as error:
        raise CommandError(str(error)) from error


def _parameters(settings: list[str]) -> dict[str, str]:
    """Return `NAME=VALUE` words as parameters. Raises CommandError for one that the pipeline's template refuses."""
    named = dict(setting.partition("=")[::2] for setting in settings)
    try:
        Template(template_text("pipeline"), named, "", "")
    except ValueError as error:
        raise CommandError(str(error)) from error
    return named


def _announce(client: MakeClient, deployment: Deployment) -> None:
    """What will be made, what it costs, and what the checks found. Raises DeployError if it would fail."""
    plan = deployment.plan
    say(f"Account {account_of(client)}, region {client('s3').meta.region_name}. This will make or update:")
    for line in plan.described():
        say(f"  {line}")
    lines = bill(Choice(outbound=plan.outbound, multi_az=plan.multi_az, instance_class=plan.instance_class))
    say(f"About {total(lines):.2f} USD a month with 1,000 uploads of 1,000 rows; see: onboarding cost")
    findings = deployment.prepare()
    for finding in findings:
        say(f"  {'STOP: ' if finding.blocks else ''}{finding.text}", style="red" if finding.blocks else None)
    if any(finding.blocks for finding in findings):
        raise DeployError("The account is not ready; see above.")


def _client(region: str | None) -> MakeClient:
    return client_of(boto3.session.Session(region_name=region))
