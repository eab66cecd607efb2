"""Repository for staged rows in the DynamoDB table `UploadRecords`.

Rows are converted to DynamoDB's JSON here, since the general converters of boto3 take longer than all other processing
of a row.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from onboarding.aws.concurrent_calls import map_concurrently
from onboarding.domain.mapped_numbers import FACTORS
from onboarding.domain.models import Row, RowError, RowStatus
from onboarding.domain.product_schema import NUMBER_COLUMNS
from onboarding.failpoints import Failpoint, failpoint
from onboarding.runtime import AppContext

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Item = dict[str, Any]
"""An item of `UploadRecords` in the format of the API and the stream: typed values by attribute name."""

Unprocessable = tuple[Item, str]
"""An item that is not a row of an open upload, and the reason."""

Element = TypeVar("Element")

RETENTION_DAYS = 14
"""Days after which DynamoDB deletes an item: as long as a failure queue keeps a batch that may be redriven."""

WRITE_BATCH = 25
"""Maximum number of items in one call."""

MAX_ROWS = 2**31 - 1
"""Maximum of a row number, which is an integer in PostgreSQL."""

UNPROCESSABLE_PREFIX = "aws/lambda/product-validator"
"""Prefix of unprocessable items in the bucket of failed batches. Lambda stores its batches under it too."""

ATTEMPTS = 8

_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,18})?")
# The format of a number from DynamoDB: without redundant zeros, and without the sign of zero.
_CANONICAL = re.compile(r"0|-?[1-9][0-9]{0,19}|-?(0|[1-9][0-9]{0,19})\.[0-9]{0,17}[1-9]")
_PENDING = RowStatus.PENDING.value
_VALIDATED = RowStatus.VALIDATED.value
_ERROR = RowStatus.ERROR.value


def record_id(row_number: int) -> str:
    """Return the id of a row in its upload, such as `REC_00001`."""
    return f"REC_{row_number:05d}"


def utc_now() -> str:
    """Return the time in the format of items and messages: ISO 8601, UTC, milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def to_item(row: Row) -> Item:
    """Return a row as an item with the status `pending_validation`.

    Cells of number columns become DynamoDB numbers if they are plain decimal numbers. If DynamoDB would return a number
    in another format (`10.00` as `10`), `as_written` has the vendor's text, which the report shows.
    """
    [item] = _to_items([row])
    return item


def _to_items(rows: Iterable[Row]) -> Iterator[Item]:
    """Yield an item for each row. All have the same time: formatting it takes longer than the rest of an item."""
    created_at, expires_at = utc_now(), str(int(time.time()) + RETENTION_DAYS * 86_400)
    for row in rows:
        cells = row.cells
        data: Item = {column: {"S": text} for column, text in cells.items()}
        as_written: Item = {}
        for column in NUMBER_COLUMNS:
            text = cells.get(column)
            if text is None:
                continue
            if _CANONICAL.fullmatch(text):
                data[column] = {"N": text}
            elif _NUMBER.fullmatch(text):
                data[column] = {"N": text}
                as_written[column] = {"S": text}
        item: Item = {
            "upload_id": {"S": row.upload_id},
            "record_id": {"S": record_id(row.row_number)},
            "vendor_id": {"S": row.vendor_id},
            "row_number": {"N": str(row.row_number)},
            "status": {"S": _PENDING},
            "product_data": {"M": data},
            "created_at": {"S": created_at},
            "expires_at": {"N": expires_at},
        }
        if as_written:
            item["as_written"] = {"M": as_written}
        item |= _build_file_attributes(row)
        yield item


def _build_file_attributes(row: Row) -> Item:
    """Return the attributes that depend on the other rows of the file; most rows have none."""
    item: Item = {}
    if row.duplicate_of:
        item["duplicate_of"] = {"M": {column: {"N": str(number)} for column, number in row.duplicate_of.items()}}
    if row.surplus_fields:
        item["surplus_fields"] = {"N": str(row.surplus_fields)}
    if row.cut:
        item["cut"] = {"M": {column: {"N": str(length)} for column, length in row.cut.items()}}
    if row.unclear:
        item["unclear"] = {"S": ",".join(row.unclear)}
    if row.decimal_comma:
        item["decimal_comma"] = {"S": ",".join(row.decimal_comma)}
    if row.damaged:
        item["damaged"] = {"M": {column: {"S": damage} for column, damage in row.damaged.items()}}
    if row.original:
        item["original"] = {"M": {column: {"S": text} for column, text in row.original.items()}}
    if row.number_factors:
        item["number_factors"] = {"M": {column: {"S": factor} for column, factor in row.number_factors.items()}}
    if row.many_categories:
        item["many_categories"] = {"BOOL": True}
    return item


class MalformedItem(ValueError):
    """An item that `to_item` does not produce; the message names the difference."""


def from_item(item: Item) -> Row:
    """Return the row of an item. Raises MalformedItem for an item that `to_item` does not produce."""
    try:
        row = _parse_item(item)
        # `join` raises TypeError for values that are not text, in a fraction of the time of separate checks.
        "".join((row.upload_id, row.vendor_id, *row.cells.values(), *row.unclear))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise MalformedItem(f"an attribute is missing or of another type ({type(error).__name__}: {error})") from error
    if not (row.upload_id and row.vendor_id and all(row.cells.values())):
        raise MalformedItem("an attribute is blank")
    if any(factor not in FACTORS for factor in row.number_factors.values()):
        raise MalformedItem("number_factors has an unknown factor")
    if not (row.upload_id.isprintable() and row.vendor_id.isprintable()):
        raise MalformedItem("upload_id or vendor_id has characters that are not allowed in an id")
    if not 1 <= row.row_number <= MAX_ROWS or item.get("record_id") != {"S": record_id(row.row_number)}:
        raise MalformedItem("row_number is out of range, or record_id does not match it")
    return row


def _parse_item(item: Item) -> Row:
    cells = {column: value["S"] if "S" in value else value["N"] for column, value in item["product_data"]["M"].items()}
    if "as_written" in item:
        cells |= {column: value["S"] for column, value in item["as_written"]["M"].items()}
    return Row(
        upload_id=item["upload_id"]["S"],
        vendor_id=item["vendor_id"]["S"],
        row_number=int(item["row_number"]["N"]),
        cells=cells,
        duplicate_of=_parse_numbers(item, "duplicate_of"),
        surplus_fields=int(item["surplus_fields"]["N"]) if "surplus_fields" in item else 0,
        cut=_parse_numbers(item, "cut"),
        unclear=tuple(item["unclear"]["S"].split(",")) if "unclear" in item else (),
        decimal_comma=tuple(item["decimal_comma"]["S"].split(",")) if "decimal_comma" in item else (),
        damaged=_parse_texts(item, "damaged"),
        many_categories="many_categories" in item,
        original=_parse_texts(item, "original"),
        number_factors=_parse_texts(item, "number_factors"),
    )


def _parse_texts(item: Item, name: str) -> dict[str, str]:
    return {column: value["S"] for column, value in item[name]["M"].items()} if name in item else {}


def _parse_numbers(item: Item, name: str) -> dict[str, int]:
    return {column: int(value["N"]) for column, value in item[name]["M"].items()} if name in item else {}


def stage_rows(ctx: AppContext, rows: Sequence[Row]) -> None:
    """Write all rows to the table with the status `pending_validation`.

    Rows may be staged again at any time: the stream delivers them to the validator again, which restores the status of
    rows that have an outcome.
    """
    _write(ctx, _to_items(rows), Failpoint.STAGING_ROWS_WRITTEN)


def write_outcomes(ctx: AppContext, outcomes: Sequence[tuple[Item, Sequence[RowError]]]) -> None:
    """Write the items with their statuses. Batches of whole items cost a fraction of an update of each item."""
    processed_at = utc_now()

    def add_status(item: Item, errors: Sequence[RowError]) -> Item:
        if not errors:
            return {**item, "status": {"S": _VALIDATED}, "processed_at": {"S": processed_at}}
        return {
            **item,
            "status": {"S": _ERROR},
            "processed_at": {"S": processed_at},
            "error_reason": {"S": errors[0].error_type},
            "error_details": {"S": format_messages(errors)},
        }

    _write(ctx, (add_status(item, errors) for item, errors in outcomes), Failpoint.STAGING_STATUSES_WRITTEN)


def store_unprocessable(ctx: AppContext, items: Sequence[Unprocessable]) -> None:
    """Store each item that is not a row of an open upload in the bucket of failed batches, with the reason.

    The objects have the format of the failed batches that Lambda stores, so that they reach the same failure queue and
    can be redriven in the same way. A redelivered item is stored under the same key.
    """
    s3, bucket = ctx.s3, ctx.settings.failures_bucket

    def store(unprocessable: Unprocessable) -> None:
        item, reason = unprocessable
        record = {"eventName": "INSERT", "dynamodb": {"NewImage": item}}
        payload = json.dumps({"Records": [record]})
        digest = sha256(json.dumps(item, sort_keys=True).encode()).hexdigest()
        content = {"requestContext": {"condition": "NotARow"}, "reason": reason, "payload": payload}
        body = json.dumps(content).encode()
        s3.put_object(Bucket=bucket, Key=f"{UNPROCESSABLE_PREFIX}/{digest[:32]}.json", Body=body)

    for _ in map_concurrently(store, items):
        pass


def format_messages(errors: Sequence[RowError]) -> str:
    """Return the messages of a row's errors as one text."""
    return "; ".join(error.message for error in errors)


def _write(ctx: AppContext, items: Iterable[Item], effect: Failpoint) -> None:
    # The client is created here, since concurrent threads would each create one.
    dynamodb, table = ctx.dynamodb, ctx.settings.table
    for _ in map_concurrently(lambda chunk: _write_chunk(dynamodb, table, chunk), _split_chunks(items, WRITE_BATCH)):
        failpoint(effect)


def _write_chunk(dynamodb: DynamoDBClient, table: str, items: Sequence[Item]) -> None:
    requests: Any = {table: [{"PutRequest": {"Item": item}} for item in items]}
    for attempt in range(ATTEMPTS):
        # Under load DynamoDB writes some of the items and returns the others without an error.
        requests = dynamodb.batch_write_item(RequestItems=requests).get("UnprocessedItems")
        if not requests:
            return
        time.sleep(_get_pause(attempt))
    raise RuntimeError(f"DynamoDB did not write {len(requests[table])} items in {ATTEMPTS} attempts")


def _get_pause(attempt: int) -> float:
    """Return the seconds before the next attempt."""
    return min(0.05 * 2.0**attempt, 5.0)


def _split_chunks(elements: Iterable[Element], size: int) -> Iterable[list[Element]]:
    iterator = iter(elements)
    while chunk := list(islice(iterator, size)):
        yield chunk
