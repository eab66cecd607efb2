"""Tests of calls of functions by commands and deployments, also of inactive functions."""

from __future__ import annotations

import io
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.response import StreamingBody
from botocore.stub import Stubber

from onboarding.cloudformation.stack_runner import DeployError
from onboarding.deploy.lambda_calls import NOT_READY_CODES, call_admin, call_function


@pytest.fixture
def stub() -> tuple[Any, Stubber]:
    lambdas = boto3.session.Session("key", "secret", region_name="us-east-1").client("lambda")
    stubber = Stubber(lambdas)
    stubber.activate()
    return lambdas, stubber


def make_response(text: str) -> dict[str, Any]:
    return {"StatusCode": 200, "Payload": StreamingBody(io.BytesIO(text.encode()), len(text))}


def make_state(value: str) -> dict[str, Any]:
    return {"Configuration": {"FunctionName": "product-onboarding-admin", "State": value}}


@pytest.mark.parametrize("code", NOT_READY_CODES)
def test_call_function_inactive_is_called_again_once_active(stub: Any, code: str) -> None:
    lambdas, stubber = stub
    stubber.add_client_error("invoke", code, "The function is currently in the following state: Pending")
    stubber.add_response("get_function", make_state("Active"), {"FunctionName": "product-onboarding-admin"})
    stubber.add_response("invoke", make_response('{"ran": []}'))
    assert call_admin(lambdas, "migrate", prefix="") == {"ran": []}
    stubber.assert_no_pending_responses()


def test_call_function_that_stays_inactive_fails_without_a_second_call(stub: Any) -> None:
    lambdas, stubber = stub
    stubber.add_client_error("invoke", "ResourceNotReadyException")
    stubber.add_response("get_function", make_state("Failed"))
    with pytest.raises(DeployError, match="the function product-onboarding-admin does not become active"):
        call_admin(lambdas, "migrate", prefix="")
    stubber.assert_no_pending_responses()


@pytest.mark.parametrize("code", ["TooManyRequestsException", "ServiceException"])
def test_call_function_other_error_is_not_repeated(stub: Any, code: str) -> None:
    """The code may have run, and not every action is idempotent."""
    lambdas, stubber = stub
    stubber.add_client_error("invoke", code)
    with pytest.raises(ClientError, match=code):
        call_function(lambdas, "product-onboarding-admin", {})
    stubber.assert_no_pending_responses()
