"""Rows to and from the table `UploadRecords`, in DynamoDB's own JSON.

The shapes are few and known, so they are converted here: boto3's general converters cost more than all our other work
on a row.
"""

from __future__ import annotations

import json
import re
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from onboarding.domain.models import Row, RowError, RowStatus
from onboarding.domain.product_schema import NUMBER_COLUMNS
from onboarding.failpoints import Failpoint, failpoint
from onboarding.runtime import PARALLEL_CALLS, AppContext

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Item = dict[str, Any]
"""An item of `UploadRecords` as the API and the stream give it: attribute name to typed value."""

Unprocessable = tuple[Item, str]
"""An item that is no row of an open upload, and why."""

Element = TypeVar("Element")

DAYS_KEPT = 14
"""Staging is temporary: as long as the failure queues keep what may have to come back."""

WRITE_BATCH = 25
"""The most items that DynamoDB takes in one call."""

MAX_ROWS = 2**31 - 1
"""The highest row number that PostgreSQL's integer takes."""

NOT_ROWS_PREFIX = "aws/lambda/product-validator"
"""Where the bucket of failed batches keeps single items: beside the batches that Lambda puts there."""

ATTEMPTS = 8

_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,18})?")
# How DynamoDB gives a number back: no needless zero, no minus at zero. Any other spelling is kept beside the number.
_CANONICAL = re.compile(r"0|-?[1-9][0-9]{0,19}|-?(0|[1-9][0-9]{0,19})\.[0-9]{0,17}[1-9]")
_PENDING = RowStatus.PENDING.value
_VALIDATED = RowStatus.VALIDATED.value
_ERROR = RowStatus.ERROR.value


def record_id(row_number: int) -> str:
    """The name of data row `row_number`, such as `REC_00001`."""
    return f"REC_{row_number:05d}"


def utc_now() -> str:
    """The time as items and messages carry it: ISO 8601, UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def to_item(row: Row) -> Item:
    """A row as an item that waits for validation.

    Numbers are DynamoDB numbers where the text is a plain one that fits; `as_written` keeps the text where DynamoDB
    would give it back in another spelling (`10.00`), since the report shows what the vendor wrote.
    """
    [item] = _items_of([row])
    return item


def _items_of(rows: Iterable[Row]) -> Iterator[Item]:
    """An item of each row. They were created at one time: to tell it costs more than all else about an item."""
    created_at, expires_at = utc_now(), str(int(time.time()) + DAYS_KEPT * 86_400)
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
        item |= _of_the_file(row)
        yield item


def _of_the_file(row: Row) -> Item:
    """What only the whole file could tell of a row; nothing of most."""
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
    if row.many_categories:
        item["many_categories"] = {"BOOL": True}
    return item


class MalformedItem(ValueError):
    """An item is not one that `item_of` makes; the message says in what."""


def from_item(item: Item) -> Row:
    """The row that `item_of` made the item from. Raises NotARow for an item that it did not make."""
    try:
        row = _row_of(item)
        # Raises TypeError for what is no text, at a fraction of the cost of asking each.
        "".join((row.upload_id, row.vendor_id, *row.cells.values(), *row.unclear))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise MalformedItem(f"an attribute is missing or of another type ({type(error).__name__}: {error})") from error
    if not (row.upload_id and row.vendor_id and all(row.cells.values())):
        raise MalformedItem("an attribute is blank")
    if not (row.upload_id.isprintable() and row.vendor_id.isprintable()):
        raise MalformedItem("upload_id or vendor_id has characters that no id has")
    if not 1 <= row.row_number <= MAX_ROWS or item.get("record_id") != {"S": record_id(row.row_number)}:
        raise MalformedItem("row_number is no row's, or record_id does not belong to it")
    return row


def _row_of(item: Item) -> Row:
    cells = {column: value["S"] if "S" in value else value["N"] for column, value in item["product_data"]["M"].items()}
    if "as_written" in item:
        cells |= {column: value["S"] for column, value in item["as_written"]["M"].items()}
    return Row(
        upload_id=item["upload_id"]["S"],
        vendor_id=item["vendor_id"]["S"],
        row_number=int(item["row_number"]["N"]),
        cells=cells,
        duplicate_of=_numbers(item, "duplicate_of"),
        surplus_fields=int(item["surplus_fields"]["N"]) if "surplus_fields" in item else 0,
        cut=_numbers(item, "cut"),
        unclear=tuple(item["unclear"]["S"].split(",")) if "unclear" in item else (),
        decimal_comma=tuple(item["decimal_comma"]["S"].split(",")) if "decimal_comma" in item else (),
        damaged={column: value["S"] for column, value in item["damaged"]["M"].items()} if "damaged" in item else {},
        many_categories="many_categories" in item,
    )


def _numbers(item: Item, name: str) -> dict[str, int]:
    return {column: int(value["N"]) for column, value in item[name]["M"].items()} if name in item else {}


def stage_rows(ctx: AppContext, rows: Sequence[Row]) -> None:
    """Put every row into the table, waiting for validation.

    A row may be put again at any time: each time that it waits, the stream carries it to the validator, which gives a
    row that was judged its status back.
    """
    _write(ctx, _items_of(rows), Failpoint.STAGING_ROWS_WRITTEN)


def write_outcomes(ctx: AppContext, outcomes: Sequence[tuple[Item, Sequence[RowError]]]) -> None:
    """Give each item its status: whole items in full calls, several times cheaper than an update for each."""
    processed_at = utc_now()

    def judged(item: Item, errors: Sequence[RowError]) -> Item:
        if not errors:
            return {**item, "status": {"S": _VALIDATED}, "processed_at": {"S": processed_at}}
        return {
            **item,
            "status": {"S": _ERROR},
            "processed_at": {"S": processed_at},
            "error_reason": {"S": errors[0].error_type},
            "error_details": {"S": details(errors)},
        }

    _write(ctx, (judged(item, errors) for item, errors in outcomes), Failpoint.STAGING_STATUSES_WRITTEN)


def store_unprocessable(ctx: AppContext, items: Sequence[Unprocessable]) -> None:
    """Put each item that is no row of an open upload into the bucket of failed batches, with the reason.

    The objects have the shape of those that Lambda writes for a failed batch, so that the same queue announces them and
    the same redrive tries them again. An item that comes again is put under the same key.
    """
    s3, bucket = ctx.s3, ctx.settings.failures_bucket

    def put(kept: Unprocessable) -> None:
        item, reason = kept
        record = {"eventName": "INSERT", "dynamodb": {"NewImage": item}}
        payload = json.dumps({"Records": [record]})
        digest = sha256(json.dumps(item, sort_keys=True).encode()).hexdigest()
        content = {"requestContext": {"condition": "NotARow"}, "reason": reason, "payload": payload}
        body = json.dumps(content).encode()
        s3.put_object(Bucket=bucket, Key=f"{NOT_ROWS_PREFIX}/{digest[:32]}.json", Body=body)

    for _ in map_concurrently(put, items):
        pass


def details(errors: Sequence[RowError]) -> str:
    """All messages of a row in one text."""
    return "; ".join(error.message for error in errors)


def _write(ctx: AppContext, items: Iterable[Item], written: Failpoint) -> None:
    # Asked for here: threads that all find no client would all make one.
    dynamodb, table = ctx.dynamodb, ctx.settings.table
    for _ in map_concurrently(lambda some: _write_chunk(dynamodb, table, some), _chunks(items, WRITE_BATCH)):
        failpoint(written)


def map_concurrently(call: Callable[[Element], None], arguments: Iterable[Element]) -> Iterator[None]:
    """Make a call for each argument, several at once; yields as each is done, in order, and raises the first fault.

    Arguments are taken as calls are made, so that those of a large file never lie in memory together.
    """
    under_way: deque[Future[None]] = deque()
    with _pool() as pool:
        for argument in arguments:
            under_way.append(pool.submit(call, argument))
            if len(under_way) > 2 * PARALLEL_CALLS:
                yield under_way.popleft().result()
        for future in under_way:
            yield future.result()


@contextmanager
def _pool() -> Iterator[ThreadPoolExecutor]:
    """Threads for several calls at once, kept for the next batch: to start them takes longer than to judge some rows.

    After a fault none is left at work: whoever tries again must not be overtaken by what was tried before.
    """
    pool = _kept(ThreadPoolExecutor)
    try:
        yield pool
    except BaseException:
        _kept.cache_clear()
        pool.shutdown(cancel_futures=True)
        raise


@cache
def _kept(executor: Callable[[int], ThreadPoolExecutor]) -> ThreadPoolExecutor:
    return executor(PARALLEL_CALLS)


def _write_chunk(dynamodb: DynamoDBClient, table: str, items: Sequence[Item]) -> None:
    requests: Any = {table: [{"PutRequest": {"Item": item}} for item in items]}
    for attempt in range(ATTEMPTS):
        # Under load DynamoDB takes a part and hands the rest back without an error.
        requests = dynamodb.batch_write_item(RequestItems=requests).get("UnprocessedItems")
        if not requests:
            return
        time.sleep(_pause(attempt))
    raise RuntimeError(f"DynamoDB left {len(requests[table])} items unwritten after {ATTEMPTS} attempts")


def _pause(attempt: int) -> float:
    return min(0.05 * 2.0**attempt, 5.0)


def _chunks(elements: Iterable[Element], size: int) -> Iterable[list[Element]]:
    iterator = iter(elements)
    while chunk := list(islice(iterator, size)):
        yield chunk
