"""Validation of form fields: a request model, or messages beside the fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, TypeVar

from fastapi import Form
from pydantic import BaseModel, ValidationError

from onboarding.storage.errors import AlreadyExists

Model = TypeVar("Model", bound=BaseModel)

Text = Annotated[str, Form(max_length=4000)]
"""A field as the browser sent it. It is validated with the others, so that all errors appear at once."""


def validate_form(
    model: type[Model], help_texts: Mapping[str, str], **fields: object
) -> tuple[Model | None, dict[str, str]]:
    """Return the request that the fields form, or None and a message for each invalid field."""
    try:
        return model.model_validate(fields), {}
    except ValidationError as error:
        names = [str(item["loc"][0]) for item in error.errors()]
        return None, {name: help_texts[name] for name in names}


def create_from_form(
    model: type[Model], help_texts: Mapping[str, str], fields: Mapping[str, object], create: Callable[[Model], object]
) -> dict[str, str]:
    """Create an object from the fields if they are valid; return the messages for invalid fields.

    The first field is the object's name or id. It gets the message if another object already has this value.
    """
    body, field_errors = validate_form(model, help_texts, **fields)
    if body is not None:
        try:
            create(body)
        except AlreadyExists as error:
            return {next(iter(fields)): str(error)}
    return field_errors
