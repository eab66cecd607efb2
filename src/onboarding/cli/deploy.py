"""`onboarding deploy` and `onboarding destroy`."""

from __future__ import annotations

import re
from typing import Annotated

import boto3
import typer

from onboarding.cli.cost import Network
from onboarding.cli.errors import CommandError
from onboarding.cli.output import say
from onboarding.deploy.adopt import kept
from onboarding.deploy.buckets import upload_host
from onboarding.deploy.changes import CHOICES, complete_plan, is_derived
from onboarding.deploy.checks import account_of, deployed
from onboarding.deploy.cost.bill import Choice, bill, total
from onboarding.deploy.destroy import destroy
from onboarding.deploy.plan import BASE_IMAGE, DeployError, MakeClient, Plan, template_text
from onboarding.deploy.steps import Deployment, client_of
from onboarding.domain.resource_names import PREFIX_PATTERN
from onboarding.local.template import Template


def _checked_prefix(prefix: str) -> str:
    if re.fullmatch(PREFIX_PATTERN, prefix) is None:
        raise typer.BadParameter("it is up to 12 small letters and digits, a letter first, and a hyphen at the end")
    return prefix


Region = Annotated[str | None, typer.Option(envvar="AWS_REGION", help="The AWS region; else as the AWS CLI has it.")]
NamePrefix = Annotated[
    str,
    typer.Option(
        metavar="PREFIX",
        callback=_checked_prefix,
        help="Before every name, for a deployment beside the account's first: such as staging-",
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def deploy_command(
    *,
    mail_sender: Annotated[
        str | None,
        typer.Option(help="The address that vendors get mail from, verified in SES; needed the first time."),
    ] = None,
    base_image: Annotated[
        str | None,
        typer.Option(
            help=f"What the functions' image is built on; best by its digest, NAME@sha256:…; first {BASE_IMAGE}"
        ),
    ] = None,
    rds_ca_sha256: Annotated[
        str, typer.Option(help="The SHA-256 that RDS's certificates must have as the image is built; else any.")
    ] = "",
    operator_email: Annotated[
        str | None, typer.Option(help='Gets notifications and alarms; first nobody, and "" is nobody again.')
    ] = None,
    network: Annotated[Network | None, typer.Option(help="How functions reach AWS; first ipv6.")] = None,
    multi_az: Annotated[
        bool | None, typer.Option("--multi-az/--no-multi-az", help="A standby of the database; first none.")
    ] = None,
    instance_class: Annotated[str | None, typer.Option(help="The database's size; first db.t4g.micro.")] = None,
    snapshot: Annotated[str, typer.Option(help="Begin with the data of this snapshot of the database.")] = "",
    public_url: Annotated[
        str | None,
        typer.Option(
            help='Where links in mails begin, if the API has a domain of its own; "" if it has none any more.'
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Another parameter of infra/pipeline.yaml; may be repeated; NAME= is its default again.",
        ),
    ] = None,
    name_prefix: NamePrefix = "",
    stage: Annotated[str | None, typer.Option(help="A word for the tags; first production.")] = None,
    region: Region = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only check and say what would be made.")] = False,
    yes: Yes = False,
) -> None:
    """Deploy everything to AWS, or bring it up to date. Safe to repeat: it goes on where it stopped.

    An option that is not named keeps what the last deployment chose. What changes is shown before the question.
    """
    named = {
        "name_prefix": name_prefix,
        "stage": stage,
        "outbound": network,
        "multi_az": multi_az,
        "instance_class": instance_class,
        "snapshot": snapshot,
        "mail_sender": mail_sender,
        "operator_email": operator_email,
        "base_image": base_image,
        "ca_sha256": rds_ca_sha256,
    }
    if public_url is not None:
        settings = [*(settings or []), f"PublicUrl={public_url.removesuffix('/')}"]
    parameters = _parameters(settings or [])
    if stage == "local":
        raise CommandError("The stage `local` is the local engine's: onboarding local up")
    client = _client(region)
    try:
        account_of(client)
        plan = complete_plan(client, named, parameters)
        deployment = Deployment(client, plan, say)
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
    say(f"Links in mails begin with {plan.pipeline_parameters.get('PublicUrl') or outputs['ApiEndpoint']}")
    say(f"Commands find it with: export S3_BUCKET_NAME={outputs['Bucket']}")


def destroy_command(
    *,
    delete_data: Annotated[bool, typer.Option("--delete-data", help="Buckets, tables and secrets too.")] = False,
    confirm_account: Annotated[
        str, typer.Option(help="With --delete-data: the account's number, to say it a second time.")
    ] = "",
    name_prefix: NamePrefix = "",
    region: Region = None,
    yes: Yes = False,
) -> None:
    """Remove everything but the data. The database leaves a final snapshot; buckets, tables and secrets stay.

    What stays costs money; the last lines name it. With --delete-data buckets, tables and secrets are deleted as well,
    with every version of every file, if --confirm-account says the same again. Only resources with the tag
    application=product-onboarding are removed.
    """
    client, plan = _client(region), Plan(name_prefix=name_prefix)
    try:
        account = account_of(client)
        region = client("s3").meta.region_name
        if delete_data and confirm_account != account:
            names = "\n".join(f"  {name}" for _, name in kept(account, region, name_prefix))
            raise CommandError(
                f"--delete-data deletes for good, in {region}:\n{names}\n"
                f"If that is meant, say it again: --confirm-account {account}"
            )
        say(f"Account {account}, region {region}. These stacks go:")
        for name in deployed(client, plan):
            say(f"  {name}")
        if not yes:
            typer.confirm("Go on?", abort=True)
        destroy(client, plan, say, with_data=delete_data)
    except DeployError as error:
        raise CommandError(str(error)) from error


def _parameters(settings: list[str]) -> dict[str, str]:
    """Return `NAME=VALUE` words as parameters. Raises CommandError for one that the pipeline's template refuses."""
    for setting in settings:
        if "=" not in setting:
            raise CommandError(f"--set: '{setting}' has no =; write {setting}=VALUE, or {setting}= for the default")
    named = dict(setting.partition("=")[::2] for setting in settings)
    if "NamePrefix" in named:
        raise CommandError("--set: NamePrefix is set by --name-prefix")
    for template, parameter in CHOICES.values():
        if template == "pipeline" and parameter in named:
            raise CommandError(f"--set: {parameter} has an option of its own; see onboarding deploy --help")
    for parameter in named:
        if is_derived(parameter):
            raise CommandError(
                f"--set: {parameter} cannot be chosen; it follows from the other stacks, the image and the options"
            )
    try:
        pipeline = Template(template_text("pipeline"), {}, "", "")
        # An empty value is the default.
        chosen = {name: value for name, value in named.items() if value or name not in pipeline.declared}
        Template(pipeline.text, chosen, "", "")
    except ValueError as error:
        raise CommandError(str(error)) from error
    return named


def _announce(client: MakeClient, deployment: Deployment) -> None:
    """What will be made, what it costs, and what the checks found. Raises DeployError if it would fail."""
    plan = deployment.plan
    account, region = account_of(client), client("s3").meta.region_name
    say(f"Account {account}, region {region}. This will make or update:")
    for line in plan.described():
        say(f"  {line}")
    if plan.name_prefix:
        say(f"Every name begins with {plan.name_prefix}")
    say(f"Browsers send files to, and links in mails lead to, https://{upload_host(plan, account, region)}")
    try:
        lines = bill(Choice(outbound=plan.outbound, multi_az=plan.multi_az, instance_class=plan.instance_class))
    except LookupError as error:
        say(f"What it costs is not known: {error.args[0]}")
    else:
        say(f"About {total(lines):.2f} USD a month with 1,000 uploads of 1,000 rows; see: onboarding cost")
    findings = deployment.prepare()
    for finding in findings:
        say(f"  {'STOP: ' if finding.blocks else ''}{finding.text}", style="red" if finding.blocks else None)
    if any(finding.blocks for finding in findings):
        raise DeployError("The account is not ready; see above.")
    changes = deployment.changes()
    if changes:
        say("What changes of what runs:")
    for change in changes:
        say(f"  {change}", style="yellow" if change.consequence else None)


def _client(region: str | None) -> MakeClient:
    return client_of(boto3.session.Session(region_name=region))
