"""Form fields: converted to a request of the API, or to messages beside the fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, TypeVar

from fastapi import Form
from pydantic import BaseModel, ValidationError

from onboarding.storage.errors import AlreadyExists

Shape = TypeVar("Shape", bound=BaseModel)

Text = Annotated[str, Form(max_length=4000)]
"""A field as the browser sent it. It is validated with the others, so that all errors are shown at once."""


def filled(shape: type[Shape], words: Mapping[str, str], **fields: object) -> tuple[Shape | None, dict[str, str]]:
    """Return the request that the fields form, or None and a message for each invalid field."""
    try:
        return shape.model_validate(fields), {}
    except ValidationError as error:
        names = [str(item["loc"][0]) for item in error.errors()]
        return None, {name: words[name] for name in names}


def faults_of_new(
    shape: type[Shape], words: Mapping[str, str], given: Mapping[str, object], create: Callable[[Shape], object]
) -> dict[str, str]:
    """Create an object from the fields if they are valid; return the messages for invalid fields.

    The first field is the object's name or id, and gets the message if another object has it already.
    """
    body, faults = filled(shape, words, **given)
    if body is not None:
        try:
            create(body)
        except AlreadyExists as error:
            return {next(iter(given)): str(error)}
    return faults
