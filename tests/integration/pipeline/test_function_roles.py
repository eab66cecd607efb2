"""IAM roles are enforced on the local stack; the permission tests remove each action of each role."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from onboarding.domain.models import UploadStatus
from onboarding.domain.resource_names import resource_name
from tests.support.running_pipeline import Pipeline, csv_of, product, wait_until


def role_of(pipeline: Pipeline, function: str) -> str:
    arn = pipeline.lambdas.get_function_configuration(FunctionName=resource_name(function))["Role"]
    return str(arn.rsplit("/", 1)[-1])


@contextmanager
def without_statement(pipeline: Pipeline, function: str, statement: str) -> Iterator[None]:
    """Remove a statement from the function's role during the block."""
    iam = pipeline.endpoints.client("iam")
    role = role_of(pipeline, function)
    [policy] = iam.list_role_policies(RoleName=role)["PolicyNames"]
    document = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
    remaining = [entry for entry in document["Statement"] if entry["Sid"] != statement]
    assert len(remaining) == len(document["Statement"]) - 1, f"{function} has no statement {statement}"

    def put(statements: list[Any]) -> None:
        text = json.dumps({**document, "Statement": statements})
        iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=text)

    put(remaining)
    try:
        yield
    finally:
        put(document["Statement"])


def test_csv_parser_without_a_permission_recovers_after_it_is_restored(pipeline: Pipeline) -> None:
    with without_statement(pipeline, "csv-parser", "StageRows"):
        upload_id = pipeline.put("VEND001", "stage.csv", csv_of([product("role-stage")]))
        opened = wait_until(lambda: pipeline.upload(upload_id), "the upload to be opened")
        assert opened.status is UploadStatus.PROCESSING
        assert pipeline.item(upload_id, 1) == {}
    # The event is redelivered after the role has its permission again.
    assert pipeline.finished(upload_id).status is UploadStatus.COMPLETED
