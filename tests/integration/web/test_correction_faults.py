"""Submission of corrections under faults: one upload or none, never two, and a repeated request completes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any, TypeVar

import httpx
import pytest

from onboarding.domain.models import Upload
from onboarding.failpoints import Failpoint, set_listener
from onboarding.storage.database import Connection, Database
from tests.support.api_clients import key_client, new_key, upload
from tests.support.isolation_attempts import running_app, send_to_app
from tests.support.running_pipeline import Pipeline, csv_of, product, wait_until

Result = TypeVar("Result")
Step = str
"""A step of a request: a committed transaction, a written object, or a failpoint.

A fault before a commit or a write has no effect since the step before it.
"""


class ProcessDied(BaseException):
    """Ends a request like the death of its process: no handler catches it."""


class Steps:
    """Steps of requests, in order. `react` is called at each of them with its position."""

    def __init__(self, react: Callable[[int], None]) -> None:
        self.names: list[Step] = []
        self.react = react

    def pass_step(self, name: Step) -> None:
        self.names.append(name)
        self.react(len(self.names) - 1)


class SteppedDatabase(Database):
    """A database with a step after each transaction."""

    def __init__(self, database: Database, steps: Steps) -> None:
        super().__init__(database._credentials)
        self._steps = steps

    def run(self, work: Callable[[Connection], Result], *, pipelined: bool = False) -> Result:
        result = super().run(work, pipelined=pipelined)
        self._steps.pass_step("committed")
        return result


class SteppedS3:
    """An S3 client with a step after each written object."""

    def __init__(self, client: Any, steps: Steps) -> None:
        self._client = client
        self._steps = steps

    def put_object(self, **params: Any) -> Any:
        response = self._client.put_object(**params)
        self._steps.pass_step("written")
        return response

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


@contextmanager
def stepped_submission(pipeline: Pipeline, react: Callable[[int], None]) -> Iterator[tuple[Any, Steps]]:
    """Yield an application whose requests call `react` at each step."""
    steps = Steps(react)
    with running_app(pipeline) as app:
        ctx = app.state.pool.ctx
        database = SteppedDatabase(ctx.database, steps)
        ctx.__dict__.update(database=database, s3=SteppedS3(ctx.s3, steps))
        set_listener(steps.pass_step)
        try:
            yield app, steps
        finally:
            set_listener(None)
            database.close()


@pytest.fixture(scope="module")
def program(pipeline: Pipeline, vendor_a: httpx.Client) -> Iterator[httpx.Client]:
    """Yield a client of another device of the vendor."""
    with closing(key_client(pipeline, new_key(vendor_a)["key"])) as client:
        yield client


def new_parent(pipeline: Pipeline, client: httpx.Client, name: str) -> Upload:
    """Return an upload with two rejected rows, which have drafts without errors."""
    rows = [product(f"{name}-{n}", price="x") for n in (1, 2)]
    parent = upload(client, pipeline, csv_of(rows), f"{name}.csv")
    edits = [{"row_number": n, "cells": {"price": "1.50"}, "revision": 0} for n in (1, 2)]
    response = client.put(f"/v1/uploads/{parent.upload_id}/corrections", json={"rows": edits})
    assert [row["errors"] for row in response.json()["rows"]] == [[], []]
    return parent


def submit_address(parent: Upload) -> str:
    return f"/v1/uploads/{parent.upload_id}/corrections/submit"


def list_files(pipeline: Pipeline, name: str) -> list[str]:
    """Return the keys of all versions of files with corrections of a file."""
    versions = pipeline.s3.list_object_versions(Bucket=pipeline.endpoints.bucket, Prefix="uploads/VENDA/")
    return [item["Key"] for item in versions.get("Versions", []) if item["Key"].endswith(f"/{name} \u2013 fixes.csv")]


def finished_children(pipeline: Pipeline, parent: Upload) -> list[Upload]:
    """Wait until both rows of an upload are fixed; return the uploads that correct it."""

    def is_fixed() -> bool:
        stored = pipeline.upload(parent.upload_id)
        return stored is not None and stored.fixed_records == 2

    wait_until(is_fixed, "the fixed rows")
    rows = pipeline.connection.execute(
        "select upload_id from upload_history where parent_upload_id = %s", (parent.upload_id,)
    )
    return [pipeline.finished(upload_id) for (upload_id,) in rows.fetchall()]


@pytest.fixture(scope="module")
def names(pipeline: Pipeline, vendor_a: httpx.Client) -> list[Step]:
    """Return the steps of a submission without faults."""
    parent = new_parent(pipeline, vendor_a, "steps")
    with stepped_submission(pipeline, lambda _: None) as (app, steps):
        assert send_to_app(app, vendor_a, "POST", submit_address(parent)).status_code == 202
    assert len(finished_children(pipeline, parent)) == 1
    return steps.names


def test_submission_interrupted_at_any_step_is_completed_once_by_another_device(
    pipeline: Pipeline, vendor_a: httpx.Client, program: httpx.Client, names: list[Step]
) -> None:
    assert {Failpoint.CORRECTIONS_MARKED, Failpoint.CORRECTIONS_FILE_WRITTEN, "committed", "written"} <= set(names)
    for position, step in enumerate(names):
        description = f"step {position}: {step}"
        parent = new_parent(pipeline, vendor_a, f"dies-{position}")

        def die(current: int, position: int = position) -> None:
            if current == position:
                raise ProcessDied

        with stepped_submission(pipeline, die) as (app, _), pytest.raises(ProcessDied):
            send_to_app(app, vendor_a, "POST", submit_address(parent))
        files = list_files(pipeline, f"dies-{position}")
        assert len(files) == (position >= names.index("written")), description
        summary = program.get(f"/v1/uploads/{parent.upload_id}/corrections/summary").json()
        is_marked = position >= names.index(Failpoint.CORRECTIONS_MARKED) - 1
        assert summary["importing"] + summary["fixed"] == (2 if is_marked else 0), description
        response = program.post(submit_address(parent))
        if response.status_code == 202:
            assert (response.json()["rows"], response.json()["is_new"]) == (2, not is_marked), description
        else:
            # The upload exists already.
            assert (response.status_code, len(files)) == (409, 1), description
        [child] = finished_children(pipeline, parent)
        assert (child.valid_records, child.error_records) == (2, 0), description
        assert list_files(pipeline, f"dies-{position}") == [child.s3_key], description


def test_submission_of_another_device_at_any_step_makes_one_upload(
    pipeline: Pipeline, vendor_a: httpx.Client, program: httpx.Client, names: list[Step]
) -> None:
    for position, step in enumerate(names):
        description = f"step {position}: {step}"
        parent = new_parent(pipeline, vendor_a, f"races-{position}")

        def submit_on_other_device(current: int, position: int = position, parent: Upload = parent) -> None:
            if current == position:
                assert program.post(submit_address(parent)).status_code in {202, 409}
                if position < names.index(Failpoint.CORRECTIONS_MARKED) - 1:
                    finished_children(pipeline, parent)

        with stepped_submission(pipeline, submit_on_other_device) as (app, _):
            response = send_to_app(app, vendor_a, "POST", submit_address(parent))
        assert response.status_code in {202, 409}, description
        [child] = finished_children(pipeline, parent)
        assert (child.valid_records, child.error_records) == (2, 0), description
        assert list_files(pipeline, f"races-{position}") == [child.s3_key], description


def test_concurrent_submissions_make_one_upload(
    pipeline: Pipeline, vendor_a: httpx.Client, program: httpx.Client
) -> None:
    parent = new_parent(pipeline, vendor_a, "concurrent")
    with ThreadPoolExecutor(4) as threads:
        responses = list(threads.map(lambda client: client.post(submit_address(parent)), [vendor_a, program] * 2))
    accepted = [response.json() for response in responses if response.status_code == 202]
    assert {response.status_code for response in responses} <= {202, 409}
    assert len({submission["upload_session_id"] for submission in accepted}) == 1
    assert [submission["is_new"] for submission in accepted].count(True) == 1
    assert len(finished_children(pipeline, parent)) == 1
    assert len(list_files(pipeline, "concurrent")) == 1


def test_interrupted_rows_cannot_be_edited_or_discarded(
    pipeline: Pipeline, vendor_a: httpx.Client, program: httpx.Client
) -> None:
    parent = new_parent(pipeline, vendor_a, "closed")

    def die(_: int) -> None:
        if steps.names[-1] == Failpoint.CORRECTIONS_MARKED:
            raise ProcessDied

    with stepped_submission(pipeline, die) as (app, steps), pytest.raises(ProcessDied):
        send_to_app(app, vendor_a, "POST", submit_address(parent))
    address = f"/v1/uploads/{parent.upload_id}/corrections"
    edit = {"row_number": 1, "cells": {"price": "2"}, "revision": 1}
    [closed] = program.put(address, json={"rows": [edit]}).json()["closed"]
    assert (closed["state"], closed["edited_cells"]) == ("importing", {"price": "1.50"})
    program.delete(address)
    summary = program.get(f"{address}/summary").json()
    assert (summary["importing"], summary["submitted"], summary["is_submittable"]) == (2, 2, True)
    assert program.post(submit_address(parent)).json()["is_new"] is False
    [child] = finished_children(pipeline, parent)
    assert {str(item["price"]) for item in pipeline.products(child.upload_id)} == {"1.50"}
