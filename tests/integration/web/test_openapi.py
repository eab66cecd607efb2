"""The OpenAPI description: generated requests get the described responses and cause no server error.

The tests use their own local stack, because they change much data.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import positive_data_acceptance
from schemathesis.core.failures import FailureGroup

from onboarding.local.stack import LocalStack
from tests.support.api_clients import OPERATOR, new_key, signed_in, upload
from tests.support.running_pipeline import Pipeline, csv_of, product

OPAQUE = ("after", "cursor", "document", "email", "mapping", "product_ids", "token", "url", "values")
"""Parts of requests whose valid values the description cannot define."""

PRODUCT_PATHS = ("", "/count", "/{product_id}", "/{product_id}/history")

BOUNDED = settings(
    max_examples=5,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def own_pipeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    with LocalStack(tmp_path_factory.mktemp("described")) as stack, Pipeline(stack.endpoints) as running:
        yield running


@pytest.fixture(scope="module")
def vendor(own_pipeline: Pipeline) -> Iterator[httpx.Client]:
    with closing(signed_in(own_pipeline, "contact@techgear.com")) as client:
        yield client


@pytest.fixture(scope="module")
def operator(own_pipeline: Pipeline) -> Iterator[httpx.Client]:
    with closing(signed_in(own_pipeline, OPERATOR)) as client:
        yield client


@pytest.fixture(scope="module")
def described(own_pipeline: Pipeline) -> schemathesis.BaseSchema:
    schema = schemathesis.openapi.from_url(f"{own_pipeline.endpoints.portal_url}/v1/openapi.json")
    # Ending the session would end the test, and a test message would be sent to a generated address.
    return schema.exclude(path="/v1/session", method="DELETE").exclude(path="/v1/webhook/test")


@pytest.fixture(scope="module")
def key(vendor: httpx.Client) -> str:
    return str(new_key(vendor)["key"])


def names_of(case: schemathesis.Case[Any]) -> set[str]:
    """Return the names of the query parameters and body fields of a request."""
    return {*(case.query or {}), *(case.body if isinstance(case.body, dict) else {})}


def find_violations(operations: schemathesis.BaseSchema, url: str, **credentials: Any) -> list[str]:
    """Send valid and invalid requests to the operations; return the responses that differ from the description."""
    violations: list[str] = []
    for result in operations.get_all_operations():
        operation = result.ok()  # type: ignore[union-attr]
        for mode in schemathesis.GenerationMode:

            @BOUNDED
            @given(case=operation.as_strategy(generation_mode=mode))
            def send(case: schemathesis.Case[Any]) -> None:
                excluded = [positive_data_acceptance] if set(OPAQUE) & names_of(case) else []
                case.call_and_validate(base_url=url, excluded_checks=excluded, **credentials)

            try:
                send()
            except Unsatisfiable:
                continue  # A request without parts cannot be invalid.
            except FailureGroup as failures:
                violations += [f"{operation.label}: {failure}" for failure in failures.exceptions]
    return violations


def test_responses_match_the_api_description(
    own_pipeline: Pipeline, vendor: httpx.Client, operator: httpx.Client, described: schemathesis.BaseSchema
) -> None:
    """Test responses for existing ids, which generated requests do not contain.

    It runs first, because generated requests of an operator may suspend the vendor.
    """
    finished = upload(vendor, own_pipeline, csv_of([product("real"), product("real-2", price="x")]))
    upload_session = vendor.post("/v1/upload-sessions", json={"file_name": "x.csv"}).json()["upload_session_id"]
    vendor.put("/v1/webhook", json={"url": "http://127.0.0.1:9/hook"})
    document = {
        "columns": {
            "Artikel": {"columns": ["vendor_product_id", "sku"]},
            "Gewicht": {"columns": ["weight_kg"], "number_format": {"decimal_sign": ","}},
        },
        "constants": {"stock_quantity": "1"},
        "fill_down": {"group_header": "Artikel", "headers": ["Titel"]},
    }
    fields = {"name": "Shop", "headers": ["Artikel", "Gewicht"], "document": document}
    mapping_id = vendor.post("/v1/mappings", json=fields).json()["mapping_id"]
    operator.post("/v1/operator/mapping-presets", json={"name": "Shop", "document": document})
    values = {"column": "category", "values": {"Herren": "Clothing"}}
    vendor.put("/v1/value-mappings", json=values)
    operator.put("/v1/operator/category-aliases", json=values)
    edits = [{"row_number": 2, "cells": {"price": "y"}}]
    vendor.put(f"/v1/uploads/{finished.upload_id}/corrections", json={"rows": edits})
    product_id = own_pipeline.products(finished.upload_id)[0]["product_id"]
    operator.post(f"/v1/operator/products/{product_id}/block", json={"reason": "Check"})
    requests = [
        *((client, f"/v1/products{part}") for client in (vendor, operator) for part in PRODUCT_PATHS),
        (vendor, "/v1/uploads"),
        (vendor, "/v1/upload-sessions/{upload_session_id}"),
        (vendor, "/v1/keys"),
        (vendor, "/v1/webhook"),
        (vendor, "/v1/webhook/deliveries"),
        (vendor, "/v1/session"),
        (vendor, "/v1/mappings"),
        (vendor, "/v1/mappings/{mapping_id}"),
        (vendor, "/v1/mapping-presets"),
        (vendor, "/v1/value-mappings"),
        (operator, "/v1/operator/vendors/{vendor_id}/mappings"),
        (operator, "/v1/operator/vendors/{vendor_id}/mappings/{mapping_id}"),
        (operator, "/v1/operator/vendors/{vendor_id}/value-mappings"),
        (operator, "/v1/operator/mapping-presets"),
        (operator, "/v1/operator/category-aliases"),
        (operator, "/v1/operator/keys"),
        (operator, "/v1/operator/product-changes"),
        (operator, "/v1/operator/webhook/deliveries"),
        (operator, "/v1/operator/overview"),
        (operator, "/v1/operator/throughput"),
        (operator, "/v1/operator/top-errors"),
        (operator, "/v1/operator/audit-log"),
        (operator, "/v1/operator/vendors"),
        (operator, "/v1/operator/vendor-quality"),
        (operator, "/v1/operator/failures"),
        *(
            (client, f"/v1/uploads/{{upload_id}}{part}")
            for client in (vendor, operator)
            for part in (
                "",
                "/errors",
                "/file-details",
                "/summary",
                "/products",
                "/report",
                "/fix-file",
                "/links",
                "/corrections",
                "/corrections/summary",
            )
        ),
    ]
    ids = {
        "upload_id": finished.upload_id,
        "upload_session_id": upload_session,
        "vendor_id": "VEND001",
        "mapping_id": mapping_id,
        "product_id": str(product_id),
    }
    for client, path in requests:
        response = client.get(path.format(**ids))
        assert response.status_code in {200, 303}, path
        described[path]["GET"].validate_response(response)


def test_vendor_requests_match_the_api_description(
    own_pipeline: Pipeline, described: schemathesis.BaseSchema, key: str
) -> None:
    vendor_operations = described.exclude(path_regex="^/v1/operator")
    headers = {"Authorization": f"Bearer {key}"}
    assert find_violations(vendor_operations, own_pipeline.endpoints.portal_url, headers=headers) == []


def test_operator_requests_match_the_api_description(
    own_pipeline: Pipeline, described: schemathesis.BaseSchema, operator: httpx.Client
) -> None:
    operator_operations = described.include(path_regex="^/v1/(operator|products|uploads)")
    headers = {"X-CSRF-Token": operator.headers["X-CSRF-Token"]}
    cookies = dict(operator.cookies)
    assert (
        find_violations(operator_operations, own_pipeline.endpoints.portal_url, headers=headers, cookies=cookies) == []
    )
