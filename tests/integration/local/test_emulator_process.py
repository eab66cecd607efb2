"""The emulator's patches for speed do not change its responses."""

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

NUMBERS = ("0", "-0", "007", "10.00", "0.50", "-12.5", "1e3", "1E-5", ".5", "5.", "9" * 38, "1E125", "1E-130")
REFUSED = ("", "ten", "1,5", " 5", "1_000", "NaN", "Infinity", "1" * 39, "1E126", "1E-131", "1E99999", "0x10", "--1")
NO_TEXT = (5, 2.5, None, True)


@pytest.fixture
def engines() -> tuple[ModuleType, ModuleType]:
    """The AWS emulator's DynamoDB as it is, and as the local stack runs it; nothing of one is the other's."""
    plain, hastened = _dynamodb(), _dynamodb()
    speed_up_items(hastened)
    for module in (plain, hastened):
        assert _ask(module, "CreateTable", TABLE)[0] == 200
    return plain, hastened


def _dynamodb() -> ModuleType:
    spec = import_module("ministack.services.dynamodb").__spec__
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _ask(module: Any, operation: str, request: dict[str, Any]) -> tuple[int, Any]:
    headers = {"x-amz-target": f"DynamoDB_20120810.{operation}", "content-type": "application/x-amz-json-1.0"}
    status, _, body = asyncio.run(module.handle_request("POST", "/", headers, json.dumps(request).encode(), {}))
    return status, json.loads(body)


def _both(engines: tuple[ModuleType, ModuleType], operation: str, request: dict[str, Any]) -> tuple[int, Any]:
    """The answer, which both gave."""
    plain, hastened = (_ask(module, operation, request) for module in engines)
    assert hastened == plain
    return plain


def _item(record: str, number: Any) -> dict[str, Any]:
    return {
        "upload_id": {"S": "UPLOAD"},
        "record_id": {"S": record},
        "vendor_id": {"S": "VEND001"},
        "row_number": {"N": number},
        "product_data": {"M": {"price": {"N": number}, "name": {"S": "A mouse"}, "sizes": {"L": [{"N": number}]}}},
        "numbers": {"NS": [number]},
    }


def _batch(*items: dict[str, Any]) -> dict[str, Any]:
    return {"RequestItems": {"UploadRecords": [{"PutRequest": {"Item": item}} for item in items]}}


def _all_items(engines: tuple[ModuleType, ModuleType]) -> list[dict[str, Any]]:
    by_key = _both(engines, "Scan", {"TableName": "UploadRecords"})[1]["Items"]
    by_vendor = {
        "TableName": "UploadRecords",
        "IndexName": "VendorIndex",
        "KeyConditionExpression": "vendor_id = :vendor",
        "ExpressionAttributeValues": {":vendor": {"S": "VEND001"}},
    }
    assert len(_both(engines, "Query", by_vendor)[1]["Items"]) == len(by_key)
    return list(by_key)


def test_speed_up_items_numbers_are_unchanged(engines: tuple[ModuleType, ModuleType]) -> None:
    # Twice, since what was found of a number is remembered; the second time each is a change.
    for _ in range(2):
        for place, number in enumerate(NUMBERS):
            request = {"TableName": "UploadRecords", "Item": _item(f"PUT_{place}", number), "ReturnValues": "ALL_OLD"}
            assert _both(engines, "PutItem", request)[0] == 200
        written = _both(engines, "BatchWriteItem", _batch(*(_item(f"B_{n}", text) for n, text in enumerate(NUMBERS))))
        assert written == (200, {"UnprocessedItems": {}})
    for place in range(len(NUMBERS)):
        key = {"upload_id": {"S": "UPLOAD"}, "record_id": {"S": f"B_{place}"}}
        status, answer = _both(engines, "GetItem", {"TableName": "UploadRecords", "Key": key})
        assert (status, set(answer["Item"])) == (200, set(_item("", "")))
    assert len(_all_items(engines)) == 2 * len(NUMBERS)


@pytest.mark.parametrize("number", [*REFUSED, *NO_TEXT])
def test_speed_up_items_invalid_numbers_are_refused(engines: tuple[ModuleType, ModuleType], number: Any) -> None:
    for _ in range(2):
        status, told = _both(engines, "PutItem", {"TableName": "UploadRecords", "Item": _item("R", number)})
        assert (status, "Exception" in told["__type"]) == (400, True)
        # One bad item, and none of its batch is written.
        status, _ = _both(engines, "BatchWriteItem", _batch(_item("GOOD", "1"), _item("BAD", number)))
        assert status == 400
    assert _all_items(engines) == []


def test_speed_up_items_invalid_requests_are_refused(engines: tuple[ModuleType, ModuleType]) -> None:
    without_key = {name: value for name, value in _item("R", "1").items() if name != "record_id"}
    empty_vendor = {**_item("R", "1"), "vendor_id": {"S": ""}}
    too_large = {**_item("R", "1"), "description": {"S": "x" * 410_000}}
    for item in (without_key, empty_vendor, too_large, {**_item("R", "1"), "numbers": {"NS": ["1", "1.0"]}}):
        assert _both(engines, "BatchWriteItem", _batch(item))[0] == 400
    assert _both(engines, "BatchWriteItem", _batch(*(_item(f"R{n}", "1") for n in range(26))))[0] == 400
    assert _both(engines, "BatchWriteItem", _batch(_item("R", "1"), _item("R", "1")))[0] == 400
    assert _all_items(engines) == []
