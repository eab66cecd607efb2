"""The OpenAPI document is kept: whatever it allows is answered as it says, and nothing makes the app fail.

On an engine of its own, since much is changed on the way.
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

OPAQUE = ("cursor", "email", "token", "url")
"""Parts of requests that the description cannot tell good ones of."""

BOUNDED = settings(
    max_examples=5,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def own_pipeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    with LocalStack(tmp_path_factory.mktemp("described")) as engine, Pipeline(engine.endpoints) as running:
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
    # A session that ends would end the test, and a test message goes to whatever address was made up.
    return schema.exclude(path="/v1/session", method="DELETE").exclude(path="/v1/webhook/test")


@pytest.fixture(scope="module")
def key(vendor: httpx.Client) -> str:
    return str(new_key(vendor)["key"])


def named(case: schemathesis.Case[Any]) -> set[str]:
    """The parts of a request."""
    return {*(case.query or {}), *(case.body if isinstance(case.body, dict) else {})}


def answered(operations: schemathesis.BaseSchema, url: str, **credentials: Any) -> list[str]:
    """What of these operations is not answered as described, asked as allowed and otherwise."""
    wrong: list[str] = []
    for found in operations.get_all_operations():
        operation = found.ok()  # type: ignore[union-attr]
        for mode in schemathesis.GenerationMode:

            @BOUNDED
            @given(case=operation.as_strategy(generation_mode=mode))
            def ask(case: schemathesis.Case[Any]) -> None:
                excluded = [positive_data_acceptance] if set(OPAQUE) & named(case) else []
                case.call_and_validate(base_url=url, excluded_checks=excluded, **credentials)

            try:
                ask()
            except Unsatisfiable:
                continue  # nothing can be wrong with a request without parts
            except FailureGroup as failures:
                wrong += [f"{operation.label}: {failure}" for failure in failures.exceptions]
    return wrong


def test_responses_match_the_api_description(
    own_pipeline: Pipeline, vendor: httpx.Client, operator: httpx.Client, described: schemathesis.BaseSchema
) -> None:
    """What made-up ids never reach. Comes first: made-up requests of an operator may suspend the vendor."""
    done = upload(vendor, own_pipeline, csv_of([product("real"), product("real-2", price="x")]))
    upload_session = vendor.post("/v1/upload-sessions", json={"file_name": "x.csv"}).json()["upload_session_id"]
    vendor.put("/v1/webhook", json={"url": "http://127.0.0.1:9/hook"})
    asked = [
        (vendor, "/v1/uploads"),
        (vendor, "/v1/upload-sessions/{upload_session_id}"),
        (vendor, "/v1/keys"),
        (vendor, "/v1/webhook"),
        (vendor, "/v1/webhook/deliveries"),
        (vendor, "/v1/session"),
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
            for part in ("", "/errors", "/file-details", "/summary", "/products", "/report", "/fix-file", "/links")
        ),
    ]
    for client, path in asked:
        answer = client.get(path.replace("{upload_id}", done.upload_id).replace("{upload_session_id}", upload_session))
        assert answer.status_code in {200, 303}, path
        described[path]["GET"].validate_response(answer)


def test_vendor_requests_match_the_api_description(
    own_pipeline: Pipeline, described: schemathesis.BaseSchema, key: str
) -> None:
    by_vendors = described.exclude(path_regex="^/v1/operator")
    headers = {"Authorization": f"Bearer {key}"}
    assert answered(by_vendors, own_pipeline.endpoints.portal_url, headers=headers) == []


def test_operator_requests_match_the_api_description(
    own_pipeline: Pipeline, described: schemathesis.BaseSchema, operator: httpx.Client
) -> None:
    by_operators = described.include(path_regex="^/v1/(operator|uploads)")
    headers = {"X-CSRF-Token": operator.headers["X-CSRF-Token"]}
    cookies = dict(operator.cookies)
    assert answered(by_operators, own_pipeline.endpoints.portal_url, headers=headers, cookies=cookies) == []
