"""The pipeline's template: where it is, and what its values are."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping


def pipeline_text() -> str:
    """`infra/pipeline.yaml`, from the installed package or, in a checkout, from beside `src`."""
    packaged = files("onboarding").joinpath("infra", "pipeline.yaml")
    if packaged.is_file():
        return packaged.read_text(encoding="utf-8")
    return Path(__file__).resolve().parents[3].joinpath("infra", "pipeline.yaml").read_text(encoding="utf-8")


# libyaml's parser where PyYAML was built with it: a tenth of the time.
_SafeLoader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_SafeLoader):  # type: ignore[valid-type, misc]
    """YAML with CloudFormation's short forms, which become their long ones."""


def _long_form(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    elif isinstance(node, yaml.MappingNode):
        value = loader.construct_mapping(node, deep=True)
    return {suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _long_form)


@cache
def _parse(text: str) -> dict[str, Any]:
    """Return a template's document, which nobody may change: it takes longer to parse than to use."""
    # A SafeLoader with more tags.
    document: dict[str, Any] = yaml.load(text, _Loader)  # noqa: S506  # nosec B506
    return document


def _refusal(declared: Mapping[str, Any], value: str) -> str | None:
    """Return why a parameter cannot have this value, as CloudFormation would find; None if it can."""
    pattern = declared.get("AllowedPattern", "")
    if pattern and not re.fullmatch(pattern, value):
        return str(declared.get("ConstraintDescription", f"it must match {pattern}"))
    values = declared.get("AllowedValues")
    if values and value not in values:
        return f"it must be one of {', '.join(map(str, values))}"
    if declared["Type"] == "Number":
        least, most = declared.get("MinValue"), declared.get("MaxValue")
        bounds = [f"at least {least}"] * (least is not None) + [f"at most {most}"] * (most is not None)
        inside = re.fullmatch("[0-9]+", value) and (least or 0) <= int(value) and (most is None or int(value) <= most)
        if not inside:
            return " ".join(["it must be a whole number", *(["of", " and ".join(bounds)] if bounds else [])])
    return None


class Template:
    """A template with its parameters, as far as its values can be known without deploying it."""

    def __init__(self, text: str, parameters: Mapping[str, str], account: str, region: str) -> None:
        self.text = text
        self._document = _parse(text)
        self.declared: dict[str, dict[str, Any]] = self._document.get("Parameters", {})
        unknown = sorted(set(parameters) - set(self.declared))
        if unknown:
            raise ValueError(f"the template has no parameter {', '.join(unknown)}")
        for name, value in parameters.items():
            if reason := _refusal(self.declared[name], value):
                # Without the value, which may be a password.
                raise ValueError(f"the template refuses the value of {name}: {reason}")
        self.parameters = dict(parameters)
        defaults = {name: str(item["Default"]) for name, item in self.declared.items() if "Default" in item}
        self._values = {**defaults, **parameters, "AWS::AccountId": account, "AWS::Region": region}

    def of_type(self, resource_type: str) -> dict[str, dict[str, Any]]:
        """The properties of each resource of a type, by logical name."""
        return {
            name: resource.get("Properties", {})
            for name, resource in self._document["Resources"].items()
            if resource["Type"] == resource_type
        }

    def made(self, name: str) -> bool:
        """Whether a resource's condition holds."""
        resource = self._document["Resources"][name]
        return "Condition" not in resource or self._holds({"Condition": resource["Condition"]})

    def _holds(self, condition: Any) -> bool:
        match condition:
            case {"Condition": str(name)}:
                return self._holds(self._document["Conditions"][name])
            case {"Fn::Not": [inner]}:
                return not self._holds(inner)
            case {"Fn::And": list(inners)}:
                return all(self._holds(inner) for inner in inners)
            case {"Fn::Equals": [left, right]}:
                return self.value(left) == self.value(right)
        raise ValueError(f"only a deployment can tell whether {condition} holds")

    def parameter(self, name: str) -> str:
        """A parameter's value: the given one or its default."""
        return self._values[name]

    def value(self, written: Any) -> str:
        """What a text, a reference to a parameter or a substitution of parameters comes to."""
        match written:
            case str():
                return written
            case {"Ref": str(name)}:
                return self._values[name]
            case {"Fn::Sub": str(text)}:
                return re.sub(r"\$\{([^}]+)\}", lambda found: self._values[found[1]], text)
        raise ValueError(f"only a deployment can tell what {written} is")
