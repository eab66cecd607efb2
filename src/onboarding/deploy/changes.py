"""What a deployment keeps of the running stacks' parameters, and what it changes.

The stacks themselves store every choice: nothing else has to remember how the last deployment was called.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from onboarding.deploy.plan import DeployError, MakeClient, Plan, template_text
from onboarding.deploy.stacks import describe_stack, require_deployment, stack_parameters
from onboarding.local.template import Template

CHOICES = {
    "stage": ("network", "Stage"),
    "outbound": ("network", "Outbound"),
    "multi_az": ("database", "MultiAz"),
    "instance_class": ("database", "InstanceClass"),
    "mail_sender": ("pipeline", "MailSender"),
    "operator_email": ("pipeline", "OperatorEmail"),
    "base_image": ("registry", "BaseImage"),
}
"""By the plan's field, the template and parameter that store the choice."""

CHOSEN = "ChosenParameters"
"""The pipeline's parameter with the names of those that the user chose, apart from the above."""

IMAGE = "ImageUri"
"""How the names of parameters end that name a function's image."""

DERIVED = frozenset(
    {
        "Stage",
        "Packaging",
        "CodeBucket",
        "CodeKey",
        "SubnetIds",
        "SecurityGroupIds",
        "DualStack",
        "PipelineSecretArn",
        "ApiSecretArn",
        "DatabaseHost",
        "DatabasePort",
        "DatabaseName",
        "DatabaseUser",
        "DatabasePassword",
        "DatabaseSslMode",
        CHOSEN,
    }
)
"""The pipeline's parameters that follow from the other stacks, or that only the local stack needs."""

CONSEQUENCES = {
    ("network", "Outbound"): "the earlier way to the AWS APIs is removed once all functions use the new one",
    ("database", "InstanceClass"): "the database is away for some minutes; files wait",
    ("database", "EngineVersion"): "the database is away for some minutes; files wait",
}


@dataclass(frozen=True, slots=True)
class Change:
    """A parameter of a running stack that a deployment changes, and what else follows from it, if anything."""

    template: str
    parameter: str
    old: str
    new: str
    consequence: str = ""

    def __str__(self) -> str:
        consequence = f" ({self.consequence})" if self.consequence else ""
        return f"{self.template}: {self.parameter} {self.old or 'none'} → {self.new or 'none'}{consequence}"


def is_derived(parameter: str) -> bool:
    """Return whether a deployment finds the value of the pipeline's parameter itself, so that it cannot be chosen."""
    return parameter in DERIVED or parameter.endswith(IMAGE)


def running_stacks(client: MakeClient, plan: Plan, *templates: str) -> dict[str, Mapping[str, Any]]:
    """Return the stacks that are there, by template. Raises DeployError for one that is another application's."""
    stacks: dict[str, Mapping[str, Any]] = {}
    for template in templates:
        name = plan.stack_name(template)
        stack = describe_stack(client("cloudformation"), name)
        if stack is not None:
            require_deployment(name, stack)
            stacks[template] = stack
    return stacks


def complete_plan(client: MakeClient, named: Mapping[str, Any], settings: Mapping[str, str]) -> Plan:
    """Return the plan with the choices that are named (not None), and those of the running stacks for the rest.

    `settings` are parameters of the pipeline's template; an empty value returns one to its default. Raises DeployError
    if a template refuses a choice, if a stack of that name is another application's, or if it is of a version that
    cannot be updated to this one.
    """
    explicit = {name: value for name, value in named.items() if value is not None}
    for field, (template, parameter) in CHOICES.items():
        if isinstance(explicit.get(field), str):
            try:
                Template(template_text(template), {parameter: explicit[field]}, "", "")
            except ValueError as error:
                raise DeployError(str(error)) from error
    templates = dict.fromkeys(template for template, _ in CHOICES.values())
    stacks = running_stacks(client, Plan(name_prefix=explicit.get("name_prefix", "")), *templates)
    running = {name: stack_parameters(stack) for name, stack in stacks.items()}
    if running.get("database") and "NamePrefix" not in running["database"]:
        raise DeployError(
            "version 0.1.0 was deployed here, and its resources have other names: CloudFormation would have to replace "
            "the database, and refuses. docs/deploy.md (Update and roll back) says how to move to this version."
        )
    kept: dict[str, Any] = {}
    for field, (template, parameter) in CHOICES.items():
        value = running.get(template, {}).get(parameter)
        if value is not None:
            kept[field] = value == "true" if field == "multi_az" else value
    if not kept.get("base_image"):
        kept.pop("base_image", None)
    pipeline = running.get("pipeline", {})
    declared = Template(template_text("pipeline"), {}, "", "").declared
    chosen = {
        name: pipeline[name]
        for name in pipeline.get(CHOSEN, "").split(",")
        # CloudFormation does not tell a value that is not echoed.
        if name in pipeline and name in declared and not declared[name].get("NoEcho")
    }
    parameters = {name: value for name, value in {**chosen, **settings}.items() if value}
    return Plan(**{**kept, **explicit}, pipeline_parameters=parameters)


def parameter_changes(template: str, running: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Change]:
    """Yield what changes in a stack with the parameters `running` that is updated with `new`; images as one change."""
    images = False
    for name, item in Template(template_text(template), {}, "", "").declared.items():
        default = str(item.get("Default", ""))
        if name == CHOSEN:
            continue
        old, value = running.get(name, default), new.get(name, default)
        if item.get("NoEcho"):
            # Its running value is not told, so that any value may be another one.
            if name in new:
                yield Change(template, name, "****", "****")
        elif name.endswith(IMAGE):
            images = images or old != value
        elif old != value:
            yield Change(template, name, old, value, _consequence(template, name, value))
    if images:
        yield Change(template, "image of the functions", "as it runs", "new image")


def _consequence(template: str, parameter: str, value: str) -> str:
    match template, parameter, value:
        case "database", "MultiAz", "false":
            return "no standby takes over when a zone fails"
        case "pipeline", "OperatorEmail", "":
            return "nobody is notified of alarms"
    return CONSEQUENCES.get((template, parameter), "")
