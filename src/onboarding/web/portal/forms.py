"""Forms that people fill in: what they wrote becomes a request of the API's, or words beside the fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, TypeVar

from fastapi import Form
from pydantic import BaseModel, ValidationError

from onboarding.web.errors import Problem

Shape = TypeVar("Shape", bound=BaseModel)

Text = Annotated[str, Form(max_length=4000)]
"""A field as it was sent. It is judged with the others, so that all faults are told at once."""


def filled(shape: type[Shape], words: Mapping[str, str], **fields: object) -> tuple[Shape | None, dict[str, str]]:
    """The request that the fields make; or None, and for each field that is wrong the words that say what is right."""
    try:
        return shape.model_validate(fields), {}
    except ValidationError as error:
        names = [str(item["loc"][0]) for item in error.errors()]
        return None, {name: words[name] for name in names}


def faults_of_new(
    shape: type[Shape], words: Mapping[str, str], given: Mapping[str, object], create: Callable[[Shape], object]
) -> dict[str, str]:
    """Make what the fields say, if they say it; what is wrong with them, or nothing once it is made.

    The first field names it: that another one has the name already is that field's fault.
    """
    wanted, faults = filled(shape, words, **given)
    if wanted is not None:
        try:
            create(wanted)
        except Problem as problem:
            if problem.kind != "conflict":
                raise
            return {next(iter(given)): problem.detail}
    return faults
