"""Finds the pipeline that the commands talk to: a running local engine, or AWS by the usual environment."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from getpass import getuser
from pathlib import Path
from typing import Any

from onboarding.cli.errors import CommandError
from onboarding.config import Settings
from onboarding.deploy.calls import admin
from onboarding.deploy.plan import DeployError
from onboarding.lambda_handlers.admin import AdminError, run_action
from onboarding.local.endpoints import DEFAULT_STATE, FILE_NAME, Endpoints, read_endpoints
from onboarding.resource_names import prefix_of_bucket
from onboarding.runtime import AppContext
from onboarding.storage.audit_log import Actor

# What would lead a client of the engine elsewhere: settings of a real account, a proxy, libpq's own variables.
_MISLEADING = ("AWS_", "PG", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


Ask = Callable[..., dict[str, Any]]
"""Runs an action of `lambda_handlers.admin` by its name and arguments. Raises CommandError if it is refused."""


@contextmanager
def connected(state: Path | None) -> Iterator[AppContext]:
    """The pipeline, ready for use. Nothing is contacted yet. On AWS its database is out of reach: see `asking`.

    A named state directory must have a running engine. Without one named, the default directory's engine comes first,
    then AWS. Raises CommandError if there is neither.
    """
    endpoints = _endpoints(state or DEFAULT_STATE)
    if endpoints is not None:
        with environment_of(endpoints):
            yield from _context()
        return
    if state is not None:
        raise CommandError(_nothing_runs(state))
    bucket = os.environ.get("S3_BUCKET_NAME")
    if not bucket:
        raise CommandError(f"{_nothing_runs(DEFAULT_STATE)}\nFor AWS, set S3_BUCKET_NAME.")
    try:
        prefix_of_bucket(bucket)
    except ValueError as error:
        raise CommandError(f"S3_BUCKET_NAME: {error}. `onboarding deploy` prints the right one.") from error
    with _environment_kept():
        if region := os.environ.get("AWS_REGION"):
            # boto3 knows only the other name; the AWS CLI and the functions' own environment know this one.
            os.environ["AWS_DEFAULT_REGION"] = region
        yield from _context()


def on_aws(state: Path | None) -> bool:
    """Whether the pipeline that `connected` leads to is on AWS, where nobody but its functions reaches the database."""
    return state is None and _endpoints(DEFAULT_STATE) is None


@contextmanager
def asking(state: Path | None) -> Iterator[tuple[AppContext, Ask]]:
    """The pipeline, and what answers questions to its database: this process, or the function `admin` on AWS."""
    with connected(state) as ctx:
        yield ctx, asked_on_aws(ctx) if on_aws(state) else asked_here(ctx)


def asked_here(ctx: AppContext) -> Ask:
    """Carry out actions in this process."""

    def ask(action: str, **arguments: object) -> dict[str, Any]:
        try:
            return run_action(ctx.database, action, arguments, Actor(_actor()))
        except AdminError as error:
            raise CommandError(str(error)) from error

    return ask


def asked_on_aws(ctx: AppContext) -> Ask:
    """Have actions carried out by the function `admin`, which reaches the database."""

    def ask(action: str, **arguments: object) -> dict[str, Any]:
        try:
            return admin(ctx.lambdas, action, prefix=ctx.settings.name_prefix, actor=_actor(), **arguments)
        except DeployError as error:
            raise CommandError(str(error)) from error

    return ask


def _actor() -> str:
    """Return who the audit log names for what this command changes."""
    return f"command:{getuser()}"


def local_engine(state: Path | None) -> Endpoints:
    """The running local engine. Raises CommandError if there is none."""
    endpoints = _endpoints(state or DEFAULT_STATE)
    if endpoints is None:
        raise CommandError(_nothing_runs(state or DEFAULT_STATE))
    return endpoints


@contextmanager
def environment_of(endpoints: Endpoints) -> Iterator[None]:
    """The process's environment as the engine needs it, and as it was again at the end."""
    with _environment_kept():
        for name in [name for name in os.environ if name.upper().startswith(_MISLEADING)]:
            del os.environ[name]
        # A profile of the user's own may name other endpoints.
        nowhere = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
        os.environ.update({**nowhere, **endpoints.environment()})
        yield


@contextmanager
def _environment_kept() -> Iterator[None]:
    before = dict(os.environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _context() -> Iterator[AppContext]:
    with closing(AppContext(Settings.from_environment())) as ctx:
        yield ctx


def _endpoints(state: Path) -> Endpoints | None:
    try:
        return read_endpoints(state)
    except (ValueError, KeyError, TypeError) as error:
        raise CommandError(f"{state / FILE_NAME} is not what this version writes; restart the local engine") from error


def _nothing_runs(state: Path) -> str:
    up = "onboarding local up" if state == DEFAULT_STATE else f"onboarding local up --state {state}"
    return f"No local engine runs on {state}. Start one with: {up}"
