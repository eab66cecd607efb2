"""Tests that the patches for speed do not change the responses of the AWS emulator."""

from __future__ import annotations

import asyncio
import json
from importlib import import_module
from importlib.util import module_from_spec
from types import ModuleType
from typing import Any

import pytest

from onboarding.local.emulator_patches import speed_up_items

TABLE = {
    "TableName": "UploadRecords",
    "AttributeDefinitions": [
        {"AttributeName": "upload_id", "AttributeType": "S"},
        {"AttributeName": "record_id", "AttributeType": "S"},
        {"AttributeName": "vendor_id", "AttributeType": "S"},
    ],
    "KeySchema": [
        {"AttributeName": "upload_id", "KeyType": "HASH"},
        {"AttributeName": "record_id", "KeyType": "RANGE"},
    ],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "VendorIndex",
            "KeySchema": [{"AttributeName": "vendor_id", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        }
    ],
    "BillingMode": "PAY_PER_REQUEST",
}

VALID_NUMBERS = ("0", "-0", "007", "10.00", "0.50", "-12.5", "1e3", "1E-5", ".5", "5.", "9" * 38, "1E125", "1E-130")
INVALID_NUMBERS = (
    "",
    "ten",
    "1,5",
    " 5",
    "1_000",
    "NaN",
    "Infinity",
    "1" * 39,
    "1E126",
    "1E-131",
    "1E99999",
    "0x10",
    "--1",
)
NON_TEXT_NUMBERS = (5, 2.5, None, True)


@pytest.fixture
def modules() -> tuple[ModuleType, ModuleType]:
    """Return the AWS emulator's DynamoDB without and with the patches; they share no state."""
    original, patched = load_dynamodb(), load_dynamodb()
    speed_up_items(patched)
    for module in (original, patched):
        assert send_request(module, "CreateTable", TABLE)[0] == 200
    return original, patched


def load_dynamodb() -> ModuleType:
    spec = import_module("ministack.services.dynamodb").__spec__
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def send_request(module: Any, operation: str, request: dict[str, Any]) -> tuple[int, Any]:
    headers = {"x-amz-target": f"DynamoDB_20120810.{operation}", "content-type": "application/x-amz-json-1.0"}
    status, _, body = asyncio.run(module.handle_request("POST", "/", headers, json.dumps(request).encode(), {}))
    return status, json.loads(body)


def send_to_both(modules: tuple[ModuleType, ModuleType], operation: str, request: dict[str, Any]) -> tuple[int, Any]:
    """Send a request to both modules, and return their common response."""
    original, patched = (send_request(module, operation, request) for module in modules)
    assert patched == original
    return original


def make_item(record: str, number: Any) -> dict[str, Any]:
    return {
        "upload_id": {"S": "UPLOAD"},
        "record_id": {"S": record},
        "vendor_id": {"S": "VEND001"},
        "row_number": {"N": number},
        "product_data": {"M": {"price": {"N": number}, "name": {"S": "A mouse"}, "sizes": {"L": [{"N": number}]}}},
        "numbers": {"NS": [number]},
    }


def make_batch(*items: dict[str, Any]) -> dict[str, Any]:
    return {"RequestItems": {"UploadRecords": [{"PutRequest": {"Item": item}} for item in items]}}


def list_items(modules: tuple[ModuleType, ModuleType]) -> list[dict[str, Any]]:
    by_key = send_to_both(modules, "Scan", {"TableName": "UploadRecords"})[1]["Items"]
    by_vendor = {
        "TableName": "UploadRecords",
        "IndexName": "VendorIndex",
        "KeyConditionExpression": "vendor_id = :vendor",
        "ExpressionAttributeValues": {":vendor": {"S": "VEND001"}},
    }
    assert len(send_to_both(modules, "Query", by_vendor)[1]["Items"]) == len(by_key)
    return list(by_key)


def test_speed_up_items_numbers_are_unchanged(modules: tuple[ModuleType, ModuleType]) -> None:
    # Twice, since checked numbers are cached; the second request replaces each item.
    for _ in range(2):
        for index, number in enumerate(VALID_NUMBERS):
            request = {
                "TableName": "UploadRecords",
                "Item": make_item(f"PUT_{index}", number),
                "ReturnValues": "ALL_OLD",
            }
            assert send_to_both(modules, "PutItem", request)[0] == 200
        response = send_to_both(
            modules, "BatchWriteItem", make_batch(*(make_item(f"B_{n}", text) for n, text in enumerate(VALID_NUMBERS)))
        )
        assert response == (200, {"UnprocessedItems": {}})
    for index in range(len(VALID_NUMBERS)):
        key = {"upload_id": {"S": "UPLOAD"}, "record_id": {"S": f"B_{index}"}}
        status, body = send_to_both(modules, "GetItem", {"TableName": "UploadRecords", "Key": key})
        assert (status, set(body["Item"])) == (200, set(make_item("", "")))
    assert len(list_items(modules)) == 2 * len(VALID_NUMBERS)


@pytest.mark.parametrize("number", [*INVALID_NUMBERS, *NON_TEXT_NUMBERS])
def test_speed_up_items_invalid_numbers_are_rejected(modules: tuple[ModuleType, ModuleType], number: Any) -> None:
    for _ in range(2):
        status, body = send_to_both(modules, "PutItem", {"TableName": "UploadRecords", "Item": make_item("R", number)})
        assert (status, "Exception" in body["__type"]) == (400, True)
        # One invalid item rejects its whole batch.
        status, _ = send_to_both(
            modules, "BatchWriteItem", make_batch(make_item("VALID", "1"), make_item("INVALID", number))
        )
        assert status == 400
    assert list_items(modules) == []


def test_speed_up_items_invalid_requests_are_rejected(modules: tuple[ModuleType, ModuleType]) -> None:
    without_key = {name: value for name, value in make_item("R", "1").items() if name != "record_id"}
    empty_vendor = {**make_item("R", "1"), "vendor_id": {"S": ""}}
    too_large = {**make_item("R", "1"), "description": {"S": "x" * 410_000}}
    for item in (without_key, empty_vendor, too_large, {**make_item("R", "1"), "numbers": {"NS": ["1", "1.0"]}}):
        assert send_to_both(modules, "BatchWriteItem", make_batch(item))[0] == 400
    assert send_to_both(modules, "BatchWriteItem", make_batch(*(make_item(f"R{n}", "1") for n in range(26))))[0] == 400
    assert send_to_both(modules, "BatchWriteItem", make_batch(make_item("R", "1"), make_item("R", "1")))[0] == 400
    assert list_items(modules) == []
