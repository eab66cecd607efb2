"""Log lines and metrics of the functions in the local stack."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from onboarding.domain.resource_names import resource_name
from tests.support.running_pipeline import Pipeline, csv_of, product, wait_until

NAMESPACE = "EcommerceProductOnboarding"

# The contract's list, to the letter.
COUNTED = {
    "csv-parser": {"CSVRecordsProcessed", "CSVRecordsSuccessful", "CSVProcessingTime"},
    "product-validator": {"ProductsValidated", "ProductsRejected", "ValidationProcessingTime"},
    "error-processor": {"ErrorsProcessed", "ErrorProcessingTime"},
}
SAID = {"csv-parser": "object staged", "product-validator": "batch judged", "error-processor": "upload finished"}


@pytest.mark.parametrize("function", COUNTED)
def test_function_writes_contract_metrics_and_upload_ids(pipeline: Pipeline, function: str) -> None:
    rows = [product(f"told-{function}-1"), product(f"told-{function}-2", price="0")]
    upload = pipeline.run("VEND001", f"told-{function}.csv", csv_of(rows))
    logs = pipeline.endpoints.client("logs")

    def lines() -> list[dict[str, Any]]:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{resource_name(function)}")
        written = [event["message"] for page in pages for event in page["events"]]
        return [json.loads(text) for text in written if text.startswith("{") and upload.upload_id in text]

    def of(condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        return wait_until(lambda: next(filter(condition, lines()), None), f"{function}'s line")

    said = of(lambda line: line.get("message") == SAID[function])
    ids = [said.get(name) or said[f"{name}s"] for name in ("upload_id", "vendor_id")]
    assert ids in ([upload.upload_id, "VEND001"], [[upload.upload_id], ["VEND001"]])

    metrics = of(lambda line: "_aws" in line)
    [directive] = metrics["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == NAMESPACE
    assert {metric["Name"] for metric in directive["Metrics"]} == COUNTED[function]
    assert directive["Dimensions"] == [["service"]]
    assert COUNTED[function] | {"service"} <= metrics.keys()
    assert metrics["service"] == function
