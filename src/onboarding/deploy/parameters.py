"""Parameters of the running stacks: the choices that a deployment keeps, and the changes that it makes.

The stacks' parameters contain the choices of the last deployment; they are stored nowhere else.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from onboarding.cloudformation.code_placeholder import code_parameters
from onboarding.cloudformation.stack_runner import DeployError, MakeClient, describe_stack, stack_parameters
from onboarding.cloudformation.templates import load_template
from onboarding.deploy.plan import Plan
from onboarding.deploy.stack_ownership import require_deployment

CHOICES = {
    "stage": ("network", "Stage"),
    "outbound": ("network", "Outbound"),
    "multi_az": ("database", "MultiAz"),
    "instance_class": ("database", "InstanceClass"),
    "email_sender": ("pipeline", "EmailSender"),
    "operator_email": ("pipeline", "OperatorEmail"),
    "base_image": ("registry", "BaseImage"),
}
"""The template and parameter that store the choice, by field of the plan."""

CHOSEN_PARAMETERS = "ChosenParameters"
"""The pipeline's parameter that lists the names of the other parameters that the user chose."""

IMAGE_SUFFIX = "ImageUri"
"""The suffix of the parameters for functions' images."""

LOCAL_PARAMETERS = frozenset({"DatabaseHost", "DatabasePort", "DatabaseName", "DatabaseUser", "DatabasePassword"})
"""The pipeline's parameters that only the local stack sets."""

CONSEQUENCES = {
    ("network", "Outbound"): "the earlier route to the AWS APIs is removed once all functions use the new one",
    ("database", "InstanceClass"): "the database is unavailable for some minutes; files wait",
    ("database", "EngineVersion"): "the database is unavailable for some minutes; files wait",
}


@dataclass(frozen=True, slots=True)
class Change:
    """Change of a parameter of a running stack, with its consequence, if any."""

    template: str
    parameter: str
    old: str
    new: str
    consequence: str = ""

    def __str__(self) -> str:
        consequence = f" ({self.consequence})" if self.consequence else ""
        return f"{self.template}: {self.parameter} {self.old or 'none'} → {self.new or 'none'}{consequence}"


def derived_parameters(plan: Plan, network: Mapping[str, str], database: Mapping[str, str]) -> dict[str, str]:
    """Return the pipeline's parameters that the plan and the outputs of the other stacks determine."""
    return {
        "Stage": plan.stage,
        "Packaging": plan.packaging,
        "SubnetIds": network["SubnetIds"],
        "SecurityGroupIds": network["LambdaSecurityGroupId"],
        "DualStack": plan.dual_stack,
        "PipelineSecretArn": database["PipelineSecretArn"],
        "ApiSecretArn": database["ApiSecretArn"],
        "DatabaseSslMode": plan.ssl_mode,
        CHOSEN_PARAMETERS: ",".join(sorted(plan.pipeline_parameters)),
    }


def is_derived(parameter: str) -> bool:
    """Return whether the deployment determines a parameter of the pipeline, so that the user cannot choose it."""
    any_output: defaultdict[str, str] = defaultdict(str)
    derived = {*derived_parameters(Plan(), any_output, any_output), *code_parameters(""), *LOCAL_PARAMETERS}
    return parameter in derived or parameter.endswith(IMAGE_SUFFIX)


def list_running_stacks(client: MakeClient, plan: Plan, *templates: str) -> dict[str, Mapping[str, Any]]:
    """Return the existing stacks by template. Raises DeployError for one that belongs to another application."""
    stacks: dict[str, Mapping[str, Any]] = {}
    for template in templates:
        name = plan.stack_name(template)
        stack = describe_stack(client("cloudformation"), name)
        if stack is not None:
            require_deployment(name, stack)
            stacks[template] = stack
    return stacks


def complete_plan(client: MakeClient, choices: Mapping[str, Any], settings: Mapping[str, str]) -> Plan:
    """Return a plan with these choices; those that are None keep their values of the running stacks.

    `settings` are parameters of the pipeline's template; an empty value resets one to its default. Raises DeployError
    if a template does not allow a choice, if a stack belongs to another application, or if the version of the running
    stacks cannot be updated.
    """
    explicit = {name: value for name, value in choices.items() if value is not None}
    for field, (template, parameter) in CHOICES.items():
        if isinstance(explicit.get(field), str):
            try:
                load_template(template, {parameter: explicit[field]})
            except ValueError as error:
                raise DeployError(str(error)) from error
    templates = dict.fromkeys(template for template, _ in CHOICES.values())
    stacks = list_running_stacks(client, Plan(name_prefix=explicit.get("name_prefix", "")), *templates)
    running = {name: stack_parameters(stack) for name, stack in stacks.items()}
    current: dict[str, Any] = {}
    for field, (template, parameter) in CHOICES.items():
        value = running.get(template, {}).get(parameter)
        if value is not None:
            current[field] = value == "true" if field == "multi_az" else value
    if not current.get("base_image"):
        current.pop("base_image", None)
    pipeline = running.get("pipeline", {})
    declared = load_template("pipeline").declared
    chosen = {
        name: pipeline[name]
        for name in pipeline.get(CHOSEN_PARAMETERS, "").split(",")
        # CloudFormation does not return the value of a NoEcho parameter.
        if name in pipeline and name in declared and not declared[name].get("NoEcho")
    }
    parameters = {name: value for name, value in {**chosen, **settings}.items() if value}
    return Plan(**{**current, **explicit}, pipeline_parameters=parameters)


def compare_parameters(template: str, running: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Change]:
    """Yield the changes of an update of a stack from the parameters `running` to `new`.

    The images of all functions are one change.
    """
    is_image_changed = False
    for name, item in load_template(template).declared.items():
        default = str(item.get("Default", ""))
        if name == CHOSEN_PARAMETERS:
            continue
        old, value = running.get(name, default), new.get(name, default)
        if item.get("NoEcho"):
            # CloudFormation does not return its running value, so each new value may be a change.
            if name in new:
                yield Change(template, name, "****", "****")
        elif name.endswith(IMAGE_SUFFIX):
            is_image_changed = is_image_changed or old != value
        elif old != value:
            yield Change(template, name, old, value, _describe_consequence(template, name, value))
    if is_image_changed:
        yield Change(template, "image of the functions", "current image", "new image")


def _describe_consequence(template: str, parameter: str, value: str) -> str:
    match template, parameter, value:
        case "database", "MultiAz", "false":
            return "no standby replaces the database if its zone fails"
        case "pipeline", "OperatorEmail", "":
            return "no one is notified of alarms"
    return CONSEQUENCES.get((template, parameter), "")
