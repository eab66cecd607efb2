"""Connection of the commands to the pipeline: a running local stack, or AWS."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from getpass import getuser
from pathlib import Path
from typing import Any

from onboarding.cli.errors import CommandError
from onboarding.cloudformation.stack_runner import DeployError
from onboarding.config import Settings
from onboarding.deploy.lambda_calls import call_admin
from onboarding.domain.resource_names import prefix_of_bucket
from onboarding.lambda_handlers.admin import AdminError, run_action
from onboarding.local.endpoints import DEFAULT_STATE, FILE_NAME, Endpoints, read_endpoints
from onboarding.runtime import AppContext
from onboarding.storage.audit_log import Actor

# Variables that would direct clients of the local stack elsewhere: settings of an AWS account, proxies, libpq.
_IGNORED_VARIABLES = ("AWS_", "PG", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")

RunAction = Callable[..., dict[str, Any]]
"""Runs an action of `lambda_handlers.admin` by its name and arguments. Raises CommandError if it is rejected."""


@contextmanager
def connect(state: Path | None) -> Iterator[AppContext]:
    """Yield the context of the pipeline without contacting it. On AWS its database is unreachable: see `connect_admin`.

    With `state` it is the local stack of that directory. Without it, it is the local stack of the default directory or,
    if none runs there, AWS. Raises CommandError if there is no pipeline.
    """
    endpoints = _read_endpoints(state or DEFAULT_STATE)
    if endpoints is not None:
        with environment_of(endpoints):
            yield from _open_context()
        return
    if state is not None:
        raise CommandError(_describe_missing_stack(state))
    bucket = os.environ.get("S3_BUCKET_NAME")
    if not bucket:
        raise CommandError(f"{_describe_missing_stack(DEFAULT_STATE)}\nFor AWS, set S3_BUCKET_NAME.")
    try:
        prefix_of_bucket(bucket)
    except ValueError as error:
        raise CommandError(f"S3_BUCKET_NAME: {error}. `onboarding deploy` prints the right one.") from error
    with _preserve_environment():
        if region := os.environ.get("AWS_REGION"):
            # boto3 reads only AWS_DEFAULT_REGION; the AWS CLI and Lambda also use AWS_REGION.
            os.environ["AWS_DEFAULT_REGION"] = region
        yield from _open_context()


def is_on_aws(state: Path | None) -> bool:
    """Return whether `connect` uses AWS, where only the functions reach the database."""
    return state is None and _read_endpoints(DEFAULT_STATE) is None


@contextmanager
def connect_admin(state: Path | None) -> Iterator[tuple[AppContext, RunAction]]:
    """Yield the context of the pipeline and a function that runs actions on its database.

    The actions run in this process, or on AWS in the function `admin`.
    """
    with connect(state) as ctx:
        yield ctx, make_aws_runner(ctx) if is_on_aws(state) else make_local_runner(ctx)


def make_local_runner(ctx: AppContext) -> RunAction:
    """Return a function that runs actions in this process."""

    def run(action: str, **arguments: object) -> dict[str, Any]:
        try:
            return run_action(ctx.database, action, arguments, Actor(_get_actor()))
        except AdminError as error:
            raise CommandError(str(error)) from error

    return run


def make_aws_runner(ctx: AppContext) -> RunAction:
    """Return a function that runs actions in the Lambda function `admin`, which reaches the database."""

    def run(action: str, **arguments: object) -> dict[str, Any]:
        try:
            return call_admin(ctx.lambdas, action, prefix=ctx.settings.name_prefix, actor=_get_actor(), **arguments)
        except DeployError as error:
            raise CommandError(str(error)) from error

    return run


def _get_actor() -> str:
    """Return the name under which the audit log records this user's actions."""
    return f"command:{getuser()}"


def find_local_stack(state: Path | None) -> Endpoints:
    """Return the endpoints of the running local stack. Raises CommandError if there is none."""
    endpoints = _read_endpoints(state or DEFAULT_STATE)
    if endpoints is None:
        raise CommandError(_describe_missing_stack(state or DEFAULT_STATE))
    return endpoints


@contextmanager
def environment_of(endpoints: Endpoints) -> Iterator[None]:
    """Set the environment of this process for the local stack, and restore it at the end."""
    with _preserve_environment():
        for name in [name for name in os.environ if name.upper().startswith(_IGNORED_VARIABLES)]:
            del os.environ[name]
        # A profile of the user may name other endpoints.
        no_files = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
        os.environ.update({**no_files, **endpoints.environment()})
        yield


@contextmanager
def _preserve_environment() -> Iterator[None]:
    """Restore the environment of this process at the end."""
    before = dict(os.environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _open_context() -> Iterator[AppContext]:
    with closing(AppContext(Settings.from_environment())) as ctx:
        yield ctx


def _read_endpoints(state: Path) -> Endpoints | None:
    """Return the endpoints of the local stack, or None. Raises CommandError for a file of another version."""
    try:
        return read_endpoints(state)
    except (ValueError, KeyError, TypeError) as error:
        raise CommandError(f"{state / FILE_NAME} was not written by this version; restart the local stack") from error


def _describe_missing_stack(state: Path) -> str:
    command = "onboarding local up" if state == DEFAULT_STATE else f"onboarding local up --state {state}"
    return f"No local stack runs on {state}. Start one with: {command}"
