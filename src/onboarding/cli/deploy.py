"""Deployment commands: `onboarding deploy` and `onboarding destroy`."""

from __future__ import annotations

import re
from typing import Annotated

import boto3
import typer

from onboarding.cli.cost import Network
from onboarding.cli.errors import CommandError
from onboarding.cli.output import print_line
from onboarding.cloudformation.stack_runner import DeployError, MakeClient
from onboarding.cloudformation.templates import load_template
from onboarding.deploy.account_checks import get_account, list_deployed_stacks
from onboarding.deploy.buckets import upload_host
from onboarding.deploy.cost.bill import Choice, calculate_bill, sum_usd
from onboarding.deploy.deployment_steps import Deployment, make_client_factory
from onboarding.deploy.destroy import destroy
from onboarding.deploy.parameters import CHOICES, complete_plan, is_derived
from onboarding.deploy.plan import BASE_IMAGE, Plan
from onboarding.deploy.retained_resources import list_retained
from onboarding.domain.resource_names import PREFIX_PATTERN


def _check_prefix(prefix: str) -> str:
    if re.fullmatch(PREFIX_PATTERN, prefix) is None:
        raise typer.BadParameter("it must be a letter, up to 11 lowercase letters and digits, and a hyphen at the end")
    return prefix


Region = Annotated[
    str | None, typer.Option(envvar="AWS_REGION", help="The AWS region; by default that of the AWS CLI.")
]
NamePrefix = Annotated[
    str,
    typer.Option(
        metavar="PREFIX",
        callback=_check_prefix,
        help="Prefix of all names, for a deployment beside the account's first; such as staging-",
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]


def deploy_command(
    *,
    email_sender: Annotated[
        str | None,
        typer.Option(help="The sender of e-mails to vendors, verified in SES; required for the first deployment."),
    ] = None,
    base_image: Annotated[
        str | None,
        typer.Option(
            help=f"The base of the functions' image, best by its digest (NAME@sha256:…); initially {BASE_IMAGE}."
        ),
    ] = None,
    rds_ca_sha256: Annotated[
        str, typer.Option(help="The SHA-256 that RDS's certificates must have when the image is built; by default any.")
    ] = "",
    operator_email: Annotated[
        str | None, typer.Option(help='Recipient of notifications and alarms; initially none, and "" removes it.')
    ] = None,
    network: Annotated[
        Network | None, typer.Option(help="The route of functions to the AWS APIs; initially ipv6.")
    ] = None,
    multi_az: Annotated[
        bool | None, typer.Option("--multi-az/--no-multi-az", help="A standby of the database; initially none.")
    ] = None,
    instance_class: Annotated[str | None, typer.Option(help="The database's size; initially db.t4g.micro.")] = None,
    snapshot: Annotated[str, typer.Option(help="Create the database from this snapshot.")] = "",
    public_url: Annotated[
        str | None,
        typer.Option(
            help='The base URL of links in e-mails, if the API has its own domain; "" if it no longer has one.'
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Another parameter of infra/pipeline.yaml; can be repeated; NAME= resets it to its default.",
        ),
    ] = None,
    name_prefix: NamePrefix = "",
    stage: Annotated[str | None, typer.Option(help="A word for the tags; initially production.")] = None,
    region: Region = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only check, and show what would be created and changed.")
    ] = False,
    yes: Yes = False,
) -> None:
    """Deploy everything to AWS, or update it. Can be repeated: it continues where it stopped.

    An omitted option keeps its value of the last deployment. Changes are shown before the confirmation.
    """
    choices = {
        "name_prefix": name_prefix,
        "stage": stage,
        "outbound": network,
        "multi_az": multi_az,
        "instance_class": instance_class,
        "snapshot": snapshot,
        "email_sender": email_sender,
        "operator_email": operator_email,
        "base_image": base_image,
        "ca_sha256": rds_ca_sha256,
    }
    if public_url is not None:
        settings = [*(settings or []), f"PublicUrl={public_url.removesuffix('/')}"]
    parameters = _parse_settings(settings or [])
    if stage == "local":
        raise CommandError("The stage `local` is reserved for the local stack: onboarding local up")
    client = _make_clients(region)
    try:
        get_account(client)
        plan = complete_plan(client, choices, parameters)
        deployment = Deployment(client, plan, print_line)
        _print_plan(client, deployment)
        if dry_run:
            return
        if not yes:
            typer.confirm("Continue?", abort=True)
        outputs = deployment.run()
    except DeployError as error:
        raise CommandError(f"{error}\nRun the command again to continue from here.") from error
    print_line()
    print_line(f"Deployed. Vendors upload their files to s3://{outputs['Bucket']}/uploads/<vendor id>/")
    print_line(f"Links in e-mails begin with {plan.pipeline_parameters.get('PublicUrl') or outputs['ApiEndpoint']}")
    print_line(f"To use it from other commands: export S3_BUCKET_NAME={outputs['Bucket']}")


def destroy_command(
    *,
    delete_data: Annotated[
        bool, typer.Option("--delete-data", help="Also delete buckets, tables and secrets.")
    ] = False,
    confirm_account: Annotated[
        str, typer.Option(help="With --delete-data: the account's number, to confirm the deletion.")
    ] = "",
    name_prefix: NamePrefix = "",
    region: Region = None,
    yes: Yes = False,
) -> None:
    """Remove everything but the data: a final snapshot of the database, buckets, tables and secrets remain.

    The last lines list remaining resources that cost money. With --delete-data and --confirm-account buckets, tables
    and secrets are deleted as well, with every version of every file. Only resources with the tag
    application=product-onboarding are removed.
    """
    client, plan = _make_clients(region), Plan(name_prefix=name_prefix)
    try:
        account = get_account(client)
        region = client("s3").meta.region_name
        if delete_data and confirm_account != account:
            names = "\n".join(f"  {name}" for _, name in list_retained(plan, account, region))
            raise CommandError(
                f"--delete-data permanently deletes, in {region}:\n{names}\n"
                f"To confirm, add: --confirm-account {account}"
            )
        print_line(f"Account {account}, region {region}. These stacks will be deleted:")
        for name in list_deployed_stacks(client, plan):
            print_line(f"  {name}")
        if not yes:
            typer.confirm("Continue?", abort=True)
        destroy(client, plan, print_line, with_data=delete_data)
    except DeployError as error:
        raise CommandError(str(error)) from error


def _parse_settings(settings: list[str]) -> dict[str, str]:
    """Return `NAME=VALUE` settings by name. Raises CommandError for one that the pipeline's template does not allow."""
    for setting in settings:
        if "=" not in setting:
            raise CommandError(f"--set: '{setting}' has no =; use {setting}=VALUE, or {setting}= for the default")
    parameters = dict(setting.partition("=")[::2] for setting in settings)
    if "NamePrefix" in parameters:
        raise CommandError("--set: NamePrefix is set by --name-prefix")
    for template, parameter in CHOICES.values():
        if template == "pipeline" and parameter in parameters:
            raise CommandError(f"--set: {parameter} has its own option; see onboarding deploy --help")
    for parameter in parameters:
        if is_derived(parameter):
            raise CommandError(
                f"--set: {parameter} cannot be chosen; it follows from the other stacks, the image and the options"
            )
    try:
        pipeline = load_template("pipeline")
        # An empty value is the default.
        nondefault = {name: value for name, value in parameters.items() if value or name not in pipeline.declared}
        load_template("pipeline", nondefault)
    except ValueError as error:
        raise CommandError(str(error)) from error
    return parameters


def _print_plan(client: MakeClient, deployment: Deployment) -> None:
    """Print the resources, their cost, the checks' findings and the changes. Raises DeployError if a finding blocks."""
    plan = deployment.plan
    account, region = get_account(client), client("s3").meta.region_name
    print_line(f"Account {account}, region {region}. This will create or update:")
    for line in plan.describe_resources():
        print_line(f"  {line}")
    if plan.name_prefix:
        print_line(f"All names begin with {plan.name_prefix}")
    print_line(f"Browsers upload files to, and links in e-mails lead to, https://{upload_host(plan, account, region)}")
    try:
        lines = calculate_bill(
            Choice(outbound=plan.outbound, multi_az=plan.multi_az, instance_class=plan.instance_class)
        )
    except LookupError as error:
        print_line(f"The cost is not known: {error.args[0]}")
    else:
        print_line(f"About {sum_usd(lines):.2f} USD a month with 1,000 uploads of 1,000 rows; see: onboarding cost")
    findings = deployment.list_findings()
    for finding in findings:
        print_line(f"  {'STOP: ' if finding.blocks else ''}{finding.text}", style="red" if finding.blocks else None)
    if any(finding.blocks for finding in findings):
        raise DeployError("The account is not ready; see the findings above.")
    changes = deployment.list_changes()
    if changes:
        print_line("Changes to the running deployment:")
    for change in changes:
        print_line(f"  {change}", style="yellow" if change.consequence else None)


def _make_clients(region: str | None) -> MakeClient:
    return make_client_factory(boto3.session.Session(region_name=region))
