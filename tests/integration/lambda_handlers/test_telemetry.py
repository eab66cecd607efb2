"""Log lines and metrics of the functions in the local stack."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from onboarding.domain.resource_names import resource_name
from tests.support.running_pipeline import Pipeline, csv_of, product, wait_until

NAMESPACE = "EcommerceProductOnboarding"

# The metrics of the contract.
METRICS = {
    "csv-parser": {"CSVRecordsProcessed", "CSVRecordsSuccessful", "CSVProcessingTime"},
    "product-validator": {"ProductsValidated", "ProductsRejected", "ValidationProcessingTime"},
    "error-processor": {"ErrorsProcessed", "ErrorProcessingTime"},
}
MESSAGES = {
    "csv-parser": "object staged",
    "product-validator": "batch validated",
    "error-processor": "upload finalized",
}


@pytest.mark.parametrize("function", METRICS)
def test_function_writes_contract_metrics_and_upload_ids(pipeline: Pipeline, function: str) -> None:
    rows = [product(f"telemetry-{function}-1"), product(f"telemetry-{function}-2", price="0")]
    upload = pipeline.run("VEND001", f"telemetry-{function}.csv", csv_of(rows))
    logs = pipeline.endpoints.client("logs")

    def read_lines() -> list[dict[str, Any]]:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{resource_name(function)}")
        messages = [event["message"] for page in pages for event in page["events"]]
        return [json.loads(text) for text in messages if text.startswith("{") and upload.upload_id in text]

    def find_line(condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        return wait_until(lambda: next(filter(condition, read_lines()), None), f"a log line of {function}")

    line = find_line(lambda entry: entry.get("message") == MESSAGES[function])
    ids = [line.get(name) or line[f"{name}s"] for name in ("upload_id", "vendor_id")]
    assert ids in ([upload.upload_id, "VEND001"], [[upload.upload_id], ["VEND001"]])

    metrics = find_line(lambda entry: "_aws" in entry)
    [directive] = metrics["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == NAMESPACE
    assert {metric["Name"] for metric in directive["Metrics"]} == METRICS[function]
    assert directive["Dimensions"] == [["service"]]
    assert METRICS[function] | {"service"} <= metrics.keys()
    assert metrics["service"] == function
