"""Reader and evaluator for the CloudFormation templates in `infra/`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

NO_PARAMETERS: Mapping[str, str] = MappingProxyType({})


def repository_root() -> Path:
    """Return the root directory of the checkout, with `src`, `infra` and the Dockerfile."""
    return Path(__file__).resolve().parents[3]


def read_template(name: str) -> str:
    """Return the text of `infra/<name>.yaml` from the installed package or, in a checkout, from the repository."""
    packaged = files("onboarding").joinpath("infra", f"{name}.yaml")
    if packaged.is_file():
        return packaged.read_text(encoding="utf-8")
    return repository_root().joinpath("infra", f"{name}.yaml").read_text(encoding="utf-8")


def load_template(
    name: str, parameters: Mapping[str, str] = NO_PARAMETERS, account: str = "", region: str = ""
) -> Template:
    """Return the template `infra/<name>.yaml` with these parameters."""
    return Template(read_template(name), parameters, account, region)


# libyaml's parser, if PyYAML was built with it: ten times faster.
_SafeLoader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class TemplateLoader(_SafeLoader):  # type: ignore[valid-type, misc]
    """YAML loader that turns CloudFormation's short forms, such as `!Ref`, into their long forms."""


def _construct_long_form(loader: TemplateLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    elif isinstance(node, yaml.MappingNode):
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}": value}


TemplateLoader.add_multi_constructor("!", _construct_long_form)


@cache
def parse_template(text: str) -> dict[str, Any]:
    """Return the parsed template. It is cached, since parsing is slow: callers must not change it."""
    document: dict[str, Any] = yaml.load(text, TemplateLoader)  # noqa: S506  # nosec B506 - a SafeLoader
    return document


def _find_value_error(declaration: Mapping[str, Any], value: str) -> str | None:
    """Return the constraint of a parameter that a value violates, or None."""
    pattern = declaration.get("AllowedPattern", "")
    if pattern and not re.fullmatch(pattern, value):
        return str(declaration.get("ConstraintDescription", f"it must match {pattern}"))
    values = declaration.get("AllowedValues")
    if values and value not in values:
        return f"it must be one of {', '.join(map(str, values))}"
    if declaration["Type"] == "Number":
        minimum, maximum = declaration.get("MinValue"), declaration.get("MaxValue")
        bounds = [f"at least {minimum}"] * (minimum is not None) + [f"at most {maximum}"] * (maximum is not None)
        is_whole = re.fullmatch("[0-9]+", value) is not None
        if not is_whole or int(value) < (minimum or 0) or (maximum is not None and int(value) > maximum):
            return " ".join(["it must be a whole number", *(["of", " and ".join(bounds)] if bounds else [])])
    return None


class Template:
    """A template with values of its parameters.

    Raises ValueError for a parameter that the template does not declare, or whose value it does not allow.
    """

    def __init__(
        self, text: str, parameters: Mapping[str, str] = NO_PARAMETERS, account: str = "", region: str = ""
    ) -> None:
        self.text = text
        self._document = parse_template(text)
        self.declared: dict[str, dict[str, Any]] = self._document.get("Parameters", {})
        unknown = sorted(set(parameters) - set(self.declared))
        if unknown:
            raise ValueError(f"the template has no parameter {', '.join(unknown)}")
        for name, value in parameters.items():
            if reason := _find_value_error(self.declared[name], value):
                # Without the value, which may be a password.
                raise ValueError(f"the template does not allow the value of {name}: {reason}")
        self.parameters = dict(parameters)
        defaults = {name: str(item["Default"]) for name, item in self.declared.items() if "Default" in item}
        self._values = {**defaults, **parameters, "AWS::AccountId": account, "AWS::Region": region}

    def resource_type(self, logical_name: str) -> str:
        """Return the type of a resource."""
        return str(self._document["Resources"][logical_name]["Type"])

    def resources_of_type(self, resource_type: str) -> dict[str, dict[str, Any]]:
        """Return the properties of each resource of a type, by logical name."""
        return {
            name: resource.get("Properties", {})
            for name, resource in self._document["Resources"].items()
            if resource["Type"] == resource_type
        }

    def is_created(self, logical_name: str) -> bool:
        """Return whether the template creates a resource with these parameters."""
        resource = self._document["Resources"][logical_name]
        return "Condition" not in resource or self._is_true({"Condition": resource["Condition"]})

    def _is_true(self, condition: Any) -> bool:
        match condition:
            case {"Condition": str(name)}:
                return self._is_true(self._document["Conditions"][name])
            case {"Fn::Not": [inner]}:
                return not self._is_true(inner)
            case {"Fn::And": list(inners)}:
                return all(self._is_true(inner) for inner in inners)
            case {"Fn::Equals": [left, right]}:
                return self.evaluate(left) == self.evaluate(right)
        raise ValueError(f"the condition {condition} is known only after a deployment")

    def parameter_value(self, name: str) -> str:
        """Return the value of a parameter, or its default."""
        return self._values[name]

    def evaluate(self, expression: Any) -> str:
        """Return the value of a string, a `Ref` to a parameter or a `Fn::Sub` of parameters.

        Raises ValueError for other expressions, whose values are known only after a deployment.
        """
        match expression:
            case str():
                return expression
            case {"Ref": str(name)}:
                return self._values[name]
            case {"Fn::Sub": str(text)}:
                return re.sub(r"\$\{([^}]+)\}", lambda match: self._values[match[1]], text)
        raise ValueError(f"the value of {expression} is known only after a deployment")
