"""Errors of requests as problem documents (RFC 9457, `application/problem+json`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from onboarding.domain.mappings import InvalidMapping
from onboarding.storage.database import DATABASE_UNAVAILABLE
from onboarding.storage.errors import AlreadyExists, InvalidInput, NotFound
from onboarding.web.request_log import logger

Responses = dict[int | str, dict[str, Any]]
"""The `responses` of a FastAPI route, by status."""

MEDIA_TYPE = "application/problem+json"


class FieldProblem(BaseModel):
    """An invalid field of a request."""

    location: str = Field(description="Part of the request: `body`, `query`, `path` or `header`", examples=["body"])
    field: str = Field(description="Name of the field; nested names are joined by dots", examples=["file_name"])
    message: str = Field(
        description="What is wrong with the field", examples=["String should have at least 1 character"]
    )


class RowProblem(FieldProblem):
    """An error that the check of an edited product has found. `field` names the field of the request."""

    product_id: int
    vendor_product_id: str
    error_type: str
    column: str = Field(description="The column or comma-separated columns")
    value: str | None
    expected: str
    hint: str = Field(description="A suggested correction; often blank")
    suggestion: str = Field(description="The value that the hint suggests; blank if there is none")


class ProblemDocument(BaseModel):
    """The reason why a request failed."""

    type: str = Field(description="Type of problem; listed in docs/api.md", examples=["/problems/not-found"])
    title: str = Field(description="Title of the type", examples=["Not found"])
    status: int = Field(description="HTTP status code", examples=[404])
    detail: str = Field(description="Explanation of this occurrence", examples=["Upload not found."])
    errors: list[RowProblem | FieldProblem] | None = Field(
        None, description="The invalid fields, for `invalid-request`; the errors of products, for `invalid-rows`"
    )


PROBLEM_TYPES: Mapping[str, tuple[int, str]] = {
    "invalid-request": (422, "Invalid request"),
    "invalid-rows": (422, "Edited products have errors"),
    "bad-request": (400, "Bad request"),
    "unauthenticated": (401, "Sign-in required"),
    "forbidden": (403, "Forbidden"),
    "csrf-failed": (403, "Request could not be verified"),
    "account-suspended": (403, "Account suspended"),
    "not-found": (404, "Not found"),
    "method-not-allowed": (405, "Method not allowed"),
    "conflict": (409, "Conflict"),
    "gone": (410, "Gone"),
    "too-large": (413, "Too large"),
    "too-many-requests": (429, "Too many requests"),
    "internal-error": (500, "Internal error"),
    "unavailable": (503, "Unavailable"),
}
"""Problem types with status and title; docs/api.md lists them."""


class Problem(Exception):
    """Ends a request with a problem of the type `kind`."""

    def __init__(
        self,
        kind: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        errors: Sequence[RowProblem] = (),
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.headers = dict(headers or {})
        self.errors = errors


def not_found(name: str) -> Problem:
    """Return the problem for an object that does not exist or belongs to another vendor."""
    return Problem("not-found", f"{name[0].upper()}{name[1:]} not found.")


def add_exception_handlers(app: FastAPI) -> None:
    """Respond to every error of a request with a problem document."""
    app.add_exception_handler(Problem, _handle_problem)
    for exception in STORAGE_PROBLEM_TYPES:
        app.add_exception_handler(exception, _handle_storage_error)
    app.add_exception_handler(RequestValidationError, _handle_validation_error)
    app.add_exception_handler(HTTPException, _handle_http_exception)
    for exception in DATABASE_UNAVAILABLE:
        app.add_exception_handler(exception, _handle_database_unavailable)
    app.add_exception_handler(Exception, _handle_unexpected_error)


STORAGE_PROBLEM_TYPES: Mapping[type[Exception], str] = {
    NotFound: "not-found",
    AlreadyExists: "conflict",
    InvalidInput: "invalid-request",
    InvalidMapping: "invalid-request",
}
"""Problem types for the exceptions of the repositories and of mapping documents."""


def problem_response(
    kind: str, detail: str, *, headers: Mapping[str, str] | None = None, errors: Sequence[FieldProblem] | None = None
) -> JSONResponse:
    """Return a problem document as a response."""
    status, title = PROBLEM_TYPES[kind]
    document = ProblemDocument(
        type=f"/problems/{kind}", title=title, status=status, detail=detail, errors=list(errors) if errors else None
    )
    authenticate = {"WWW-Authenticate": "Bearer"} if status == HTTPStatus.UNAUTHORIZED else {}
    return JSONResponse(
        document.model_dump(exclude_none=True),
        status_code=status,
        headers={"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", **authenticate, **(headers or {})},
        media_type=MEDIA_TYPE,
    )


async def _handle_problem(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Problem)  # noqa: S101 - the only exception of this handler
    return problem_response(error.kind, error.detail, headers=error.headers, errors=error.errors)


async def _handle_storage_error(_: Request, error: Exception) -> JSONResponse:
    text = str(error).rstrip(".")
    return problem_response(STORAGE_PROBLEM_TYPES[type(error)], f"{text[0].upper()}{text[1:]}.")


async def _handle_validation_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    for item in error.errors():
        if item["type"] == "json_invalid":
            return problem_response("bad-request", f"The body is not valid JSON: {item['ctx']['error']}.")
    fields = [_build_field_problem(item) for item in error.errors()]
    names = ", ".join(dict.fromkeys(field.field or field.location for field in fields))
    return problem_response("invalid-request", f"Please check: {names}.", errors=fields)


def _build_field_problem(item: Mapping[str, Any]) -> FieldProblem:
    location, *names = (str(part) for part in item["loc"])
    if location != "body":
        # After the name of a parameter, Pydantic names each type that it may have.
        del names[1:]
    if names[-1:] == ["[key]"]:
        names.pop()
    message = str(item["msg"]).removeprefix("Value error, ")
    return FieldProblem(location=location, field=".".join(names), message=message)


async def _handle_http_exception(_: Request, error: Exception) -> JSONResponse:
    """Respond to the framework's own errors: an unknown path, a wrong method, a body that is not JSON."""
    assert isinstance(error, HTTPException)  # noqa: S101
    kind = {404: "not-found", 405: "method-not-allowed", 413: "too-large"}.get(error.status_code, "bad-request")
    detail = {"not-found": "Page not found.", "method-not-allowed": "This address does not support that method."}
    return problem_response(kind, detail.get(kind, str(error.detail)), headers=error.headers)


async def _handle_database_unavailable(request: Request, error: Exception) -> JSONResponse:
    _log(request, error)
    detail = "The database is temporarily unavailable. Try again in a minute."
    return problem_response("unavailable", detail, headers={"Retry-After": "60"})


async def _handle_unexpected_error(request: Request, error: Exception) -> JSONResponse:
    _log(request, error)
    return problem_response(
        "internal-error", "Something went wrong on our side. The error was logged. Try again later."
    )


def _log(request: Request, error: Exception) -> None:
    route = request.scope.get("route")
    logger.error("request failed", extra={"route": getattr(route, "path", None)}, exc_info=error)


def problem_responses(*kinds: str) -> Responses:
    """Return the `responses` of a route or router that can end with these problem types."""
    responses: Responses = {}
    for kind in kinds:
        status, title = PROBLEM_TYPES[kind]
        entry = responses.setdefault(status, {"model": ProblemDocument, "description": title})
        if title not in entry["description"]:
            entry["description"] += f"; {title[0].lower()}{title[1:]}"
    return responses
