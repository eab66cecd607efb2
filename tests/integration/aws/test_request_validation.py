"""Validation of all AWS requests of a test run, in each process."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from typing import Any
from unittest.mock import MagicMock

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ParamValidationError

from onboarding.aws.dynamodb_wire import send_as_written
from onboarding.domain.resource_names import resource_name
from onboarding.local.processes import make_child_environment
from tests.support.running_pipeline import Pipeline
from tests.support.validated_clients import validated

INVALID_CALL = """
import boto3
from botocore.config import Config

def handler(*_):
    unvalidated = Config(parameter_validation=False, retries={"total_max_attempts": 1})
    client = boto3.client("sqs", region_name="us-east-1", config=unvalidated, endpoint_url="http://127.0.0.1:9")
    client.send_message(QueueUrl="http://127.0.0.1:9/queue")
"""


def client_without_validation(service: str) -> Any:
    """Return a client without validation, as the functions create it, with an address where no service listens."""
    session: Any = boto3.session.Session("key", "secret", region_name="us-east-1")
    config = Config(parameter_validation=False, retries={"total_max_attempts": 1})
    return session.client(service, config=config, endpoint_url="http://127.0.0.1:9")


def test_request_validation_parameter_missing_raises() -> None:
    with pytest.raises(ParamValidationError, match="MessageBody"):
        client_without_validation("sqs").send_message(QueueUrl="http://127.0.0.1:9/queue")


def test_request_validation_batch_sent_as_written_raises() -> None:
    client = client_without_validation("dynamodb")
    send_as_written(client)
    item = {"upload_id": {"S": "UPLOAD_1"}, "row_number": {"N": 1}}
    with pytest.raises(ParamValidationError, match="row_number"):
        client.batch_write_item(RequestItems={"UploadRecords": [{"PutRequest": {"Item": item}}]})


def test_request_validation_double_of_a_client_raises() -> None:
    client = validated(lambda _: MagicMock())("cloudformation")
    client.describe_stacks(StackName="product-onboarding-database")
    with pytest.raises(ParamValidationError, match="StackNames"):
        client.describe_stacks(StackNames=["product-onboarding-database"])
    with pytest.raises(ParamValidationError, match="StackNames"):
        client.get_paginator("describe_stack_events").paginate(StackNames="product-onboarding-database")


def test_request_validation_child_process_raises() -> None:
    """The local stack passes this environment to the emulator."""
    command = [sys.executable, "-c", f"{INVALID_CALL}\nhandler()"]
    keys = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
    process = subprocess.run(command, env=make_child_environment() | keys, capture_output=True, text=True, check=False)
    assert "ParamValidationError" in process.stderr


def test_request_validation_function_of_the_local_stack_raises(pipeline: Pipeline) -> None:
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("invalid_call.py", INVALID_CALL)
    role = pipeline.lambdas.get_function_configuration(FunctionName=resource_name("mailer"))["Role"]
    pipeline.lambdas.create_function(
        FunctionName="invalid-call",
        Runtime="python3.13",
        Role=role,
        Handler="invalid_call.handler",
        Code={"ZipFile": code.getvalue()},
    )
    try:
        response = pipeline.lambdas.invoke(FunctionName="invalid-call")
    finally:
        pipeline.lambdas.delete_function(FunctionName="invalid-call")
    assert "Parameter validation failed" in json.loads(response["Payload"].read())["errorMessage"]
