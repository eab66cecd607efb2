"""Tests of stream records that cannot be processed: the failure queue stores them, and processing continues."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from onboarding.aws import dead_letter_queues
from onboarding.domain.resource_names import resource_name
from onboarding.runtime import AppContext
from tests.support.running_pipeline import Pipeline, csv_of, product, wait_until

QUEUE = "product-validator-failures"


@pytest.fixture
def queue(ctx: AppContext) -> Iterator[str]:
    """Yield the URL of the empty failure queue."""
    url = ctx.sqs.get_queue_url(QueueName=resource_name(QUEUE))["QueueUrl"]
    ctx.sqs.purge_queue(QueueUrl=url)
    yield url
    ctx.sqs.purge_queue(QueueUrl=url)


def test_stream_malformed_item_is_stored_and_other_rows_are_validated(
    ctx: AppContext, pipeline: Pipeline, queue: str
) -> None:
    finished = pipeline.run("VEND001", "before-garbage.csv", csv_of([product("before-garbage")]))
    row = {**pipeline.item(finished.upload_id, 1), "status": {"S": "pending_validation"}}
    unknown_row = {**row, "row_number": {"N": "2"}, "record_id": {"S": "REC_00002"}}
    malformed = {"upload_id": row["upload_id"], "record_id": {"S": "REC_x"}, "status": row["status"]}
    client: Any = pipeline.endpoints.client("dynamodb")
    for item in (unknown_row, malformed):
        client.put_item(TableName="UploadRecords", Item=item)
    upload_after = pipeline.run("VEND001", "after-garbage.csv", csv_of([product("after-garbage")]))
    assert upload_after.valid_records == 1
    assert pipeline.upload(finished.upload_id) == finished
    wait_until(lambda: dead_letter_queues.count_failures(ctx)[QUEUE] == 2, "both items to be in the failure queue")

    errors = sorted(str(redriven.error) for redriven in dead_letter_queues.redrive(ctx, QUEUE))
    assert "KeyError: 'product_data'" in errors[0] or "KeyError: 'vendor_id'" in errors[0]
    assert "has 1 rows, and no row 2" in errors[1]
    wait_until(
        lambda: dead_letter_queues.count_failures(ctx)[QUEUE] == 2, "only both items to be in the failure queue again"
    )


@contextmanager
def without_database_secret(pipeline: Pipeline) -> Iterator[None]:
    """Make the validator fail: its database secret does not exist."""
    lambdas = pipeline.lambdas
    before = lambdas.get_function_configuration(FunctionName="product-validator")["Environment"]["Variables"]
    invalid_variables = {**before, "RDS_SECRET_NAME": "no/such/secret"}
    lambdas.update_function_configuration(
        FunctionName="product-validator", Environment={"Variables": invalid_variables}
    )
    try:
        yield
    finally:
        lambdas.update_function_configuration(FunctionName="product-validator", Environment={"Variables": before})


def test_stream_failed_batch_is_stored_after_its_retries_and_redriven(
    ctx: AppContext, pipeline: Pipeline, queue: str
) -> None:
    with without_database_secret(pipeline):
        source = pipeline.put_key("uploads/VEND001/poison.csv", csv_of([product("poison-1"), product("poison-2")]))
        wait_until(lambda: dead_letter_queues.count_failures(ctx)[QUEUE] == 2, "both rows to be in the failure queue")
    upload_id = pipeline.upload_id(source)
    upload_after = pipeline.run("VEND001", "after-poison.csv", csv_of([product("after-poison")]))
    assert upload_after.valid_records == 1
    upload = pipeline.upload(upload_id)
    assert upload is not None
    assert upload.valid_records == 0
    assert [redriven.error for redriven in dead_letter_queues.redrive(ctx, QUEUE)] == [None, None]
    assert pipeline.finished(upload_id).valid_records == 2
    assert dead_letter_queues.count_failures(ctx)[QUEUE] == 0
    assert json.loads(pipeline.item(upload_id, 1)["row_number"]["N"]) == 1
