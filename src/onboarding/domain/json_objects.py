"""Conversion of JSON objects, which another version may have written, to dataclasses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Model = TypeVar("Model", bound="DataclassInstance")


def from_json(model: type[Model], values: Mapping[str, Any], **defaults: Any) -> Model:
    """Return an instance of a dataclass with the fields of a JSON object.

    Unknown fields are ignored; missing fields take their default. `defaults` are those of fields that have none in the
    dataclass. Raises TypeError for a missing field without a default.
    """
    names = {field.name for field in fields(model)}
    return model(**{**defaults, **{name: value for name, value in values.items() if name in names}})
