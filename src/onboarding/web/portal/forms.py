"""Forms: validation of their fields, and pages that show them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar

from fastapi import Form, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from onboarding.storage.errors import AlreadyExists
from onboarding.web.auth import Principal
from onboarding.web.portal.rendering import render_page

Model = TypeVar("Model", bound=BaseModel)

Text = Annotated[str, Form(max_length=4000)]
"""A field as the browser sent it. It is validated with the others, so that all errors appear at once."""


@dataclass(frozen=True, slots=True)
class FormState:
    """What a page with a form shows: the entered values, messages for invalid fields, the last successful action."""

    values: Mapping[str, Any] = field(default_factory=dict)
    field_errors: Mapping[str, str] = field(default_factory=dict)
    notice: str = ""


def render_form_page(
    name: str, request: Request, principal: Principal, form: FormState, help_texts: Mapping[str, str], **values: Any
) -> HTMLResponse:
    """Return the rendered template `name` with a form; the status is 422 if a field is invalid."""
    return render_page(
        name,
        request,
        principal,
        status=422 if form.field_errors else 200,
        notice=form.notice,
        field_errors=form.field_errors,
        help_texts=help_texts,
        **{"values": form.values, **values},
    )


def validate_form(
    model: type[Model], help_texts: Mapping[str, str], **fields: object
) -> tuple[Model | None, dict[str, str]]:
    """Return the request that the fields form, or None and a message for each invalid field."""
    try:
        return model.model_validate(fields), {}
    except ValidationError as error:
        errors = {str(item["loc"][0]): item for item in error.errors()}
        return None, {name: f"{_describe_error(item)}{help_texts[name]}" for name, item in errors.items()}


def _describe_error(item: ErrorDetails) -> str:
    """Return what is wrong with a text field, to precede its help text; blank for other fields."""
    if not isinstance(item["input"], str):
        return ""
    if not item["input"].strip():
        return "Enter a value. "
    if item["type"] == "value_error":
        return f"{item['ctx']['error']} "
    return "Too long. " if item["type"] == "string_too_long" else "Not valid. "


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
