"""Test of the recovery of the local stack after a database outage, during which a file waits in the failure queue."""

from __future__ import annotations

import json
from pathlib import Path

from onboarding.domain.resource_names import resource_name
from onboarding.local.stack import LocalStack
from tests.support.running_pipeline import Pipeline, csv_of, product, wait_until


def run_watchdog(pipeline: Pipeline) -> str | None:
    """Call the watchdog as the schedule does, and return its error or None."""
    response = pipeline.lambdas.invoke(FunctionName=resource_name("watchdog"), Payload=b"{}")
    body = json.loads(response["Payload"].read() or b"null")
    return str(body["errorMessage"]) if "FunctionError" in response else None


def count_failed_events(pipeline: Pipeline) -> int:
    """Return the number of visible messages in the failure queue of csv-parser."""
    url = pipeline.sqs.get_queue_url(QueueName=resource_name("csv-parser-failures"))["QueueUrl"]
    names = ["ApproximateNumberOfMessages"]
    return int(pipeline.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"][names[0]])


def test_recovery_file_put_without_database_is_ingested(state: Path) -> None:
    with LocalStack(state, environment={"LAMBDA_ASYNC_RETRY_BASE_SECONDS": "1"}) as local_stack:
        assert local_stack.postgres is not None
        with Pipeline(local_stack.endpoints) as pipeline, pipeline.without_schedules():
            local_stack.postgres.stop()
            upload_id = pipeline.put("VEND001", "outage.csv", csv_of([product("outage-1"), product("outage-2")]))
            wait_until(lambda: count_failed_events(pipeline), "the event to reach the failure queue")
            assert "connection" in (run_watchdog(pipeline) or "")
            assert count_failed_events(pipeline) == 1, "an outage must not use up attempts"
            local_stack.postgres.start(lambda: None)
        with Pipeline(local_stack.endpoints) as pipeline, pipeline.without_schedules():
            assert run_watchdog(pipeline) is None
            assert count_failed_events(pipeline) == 0
            assert pipeline.finished(upload_id).valid_records == 2
            assert run_watchdog(pipeline) is None
            assert len(pipeline.emails(upload_id)) == 1
