"""Dataclasses read from JSON that another version wrote."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Model = TypeVar("Model", bound="DataclassInstance")


def from_json(model: type[Model], values: Mapping[str, Any], **defaults: Any) -> Model:
    """Return a dataclass from its fields as JSON. Unknown fields are ignored, missing ones take their default.

    `defaults` are for fields that have none in the dataclass. Raises TypeError for a missing field without a default.
    """
    names = {field.name for field in fields(model)}
    return model(**{**defaults, **{name: value for name, value in values.items() if name in names}})
