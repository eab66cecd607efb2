"""Patches of the AWS emulator: differences from AWS that the pipeline depends on, and slow parts.

Each function changes loaded modules of `ministack.services`; `emulator_process` calls them all.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import re
import smtplib
from collections import deque
from contextvars import ContextVar
from functools import lru_cache
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import unescape

MAX_PROCESSED_ITEMS = 50_000
"""The number of processed staging items that are kept: about 400 MB. AWS keeps them for 14 days."""

SMTP_TIMEOUT = 5
"""Seconds that the inbox has for each response. The mailer's call can take 30 seconds."""

_NOT_IN_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def speed_up_items(dynamodb: Any) -> None:
    """Skip half of the emulator's work for an item, without a change of its responses."""
    # It calculates the size of each item of a batch up to six times, for consumed capacity that no call requests.
    dynamodb._accumulate_write_capacity = lambda *_: None  # noqa: SLF001 - it has no setting for it
    # It parses each number of an item four times and calculates its size twice; most numbers repeat.
    for name in ("_ddb_canonicalize_number", "_number_error", "_number_size_bytes"):
        setattr(dynamodb, name, lru_cache(100_000)(getattr(dynamodb, name)))


def bound_memory(lambda_svc: Any, dynamodb: Any, items: int = MAX_PROCESSED_ITEMS) -> None:
    """Drop stream records that every function has read, and the oldest processed items beyond `items`.

    The emulator keeps records in memory for a day and items until they expire: about 12 to 20 KB for each row.
    """
    poll = lambda_svc._poll_dynamodb_streams  # noqa: SLF001 - the emulator has no setting for it
    processed_items: deque[tuple[Any, str, str]] = deque()

    def poll_and_trim() -> bool:
        has_more: bool = poll()
        for account, region, name, position in _read_positions(lambda_svc):
            table = dynamodb._tables.get_scoped(account, region, name)  # noqa: SLF001
            for record in _trim(dynamodb, account, region, name, position):
                image = record["dynamodb"].get("NewImage", {})
                if _is_processed(image) and {"upload_id", "record_id"} <= set(image):
                    processed_items.append((table, image["upload_id"]["S"], image["record_id"]["S"]))
        with dynamodb._lock:  # noqa: SLF001
            while len(processed_items) > items:
                table, upload_id, record_id = processed_items.popleft()
                # An item that was staged again is not processed yet.
                if _is_processed(table["items"].get(upload_id, {}).get(record_id, {})):
                    dynamodb._remove_item(table, upload_id, record_id)  # noqa: SLF001
        return has_more

    lambda_svc._poll_dynamodb_streams = poll_and_trim  # noqa: SLF001


def _is_processed(item: dict[str, Any]) -> bool:
    return item.get("status", {}).get("S") in {"validated", "error"}


def _read_positions(lambda_svc: Any) -> list[tuple[str, str, str, int]]:
    """Return the position in each table's stream up to which all of its functions have read."""
    positions: dict[tuple[str, str, str], int] = {}
    for account, region, mapping in lambda_svc._iter_all_esms():  # noqa: SLF001
        source = mapping.get("EventSourceArn", "")
        if ":dynamodb:" in source and "/stream/" in source:
            table = source.split(":table/")[1].split("/stream/")[0]
            position = lambda_svc._dynamodb_stream_positions.get(mapping["UUID"], 0)  # noqa: SLF001
            known_position = positions.get((account, region, table), position)
            positions[account, region, table] = min(known_position, position)
    return [(*key, position) for key, position in positions.items()]


def _trim(dynamodb: Any, account: str, region: str, table: str, position: int) -> list[dict[str, Any]]:
    """Remove the table's stream records before `position` and return them."""
    records = dynamodb._stream_records.get_scoped(account, region, table)  # noqa: SLF001
    trimmed_count = dynamodb._stream_trimmed.get_scoped(account, region, table, 0)  # noqa: SLF001
    if not records or position <= trimmed_count:
        return []
    with dynamodb._lock:  # noqa: SLF001 - writers append to the list
        removed_records: list[dict[str, Any]] = records[: position - trimmed_count]
        del records[: position - trimmed_count]
        dynamodb._stream_trimmed.set_scoped(account, region, table, trimmed_count + len(removed_records))  # noqa: SLF001
    return removed_records


def retry_notifications(sns: Any, lambda_svc: Any) -> None:
    """Make SNS call functions asynchronously, as on AWS: with the function's retries and its failure destination."""

    def execute(record: dict[str, Any], event: dict[str, Any]) -> None:
        lambda_svc.invoke_async_with_retry(record, event)

    class RetryingLambdaService:
        """The emulator's Lambda service with retries, as SNS uses it."""

        _execute_function_with_config_scope = staticmethod(execute)

        def __getattr__(self, name: str) -> Any:
            return getattr(lambda_svc, name)

    sns._lambda_svc = RetryingLambdaService()  # noqa: SLF001 - SNS calls once and only logs a failure


def report_undelivered_emails(ses: Any) -> None:
    """Return an error for an e-mail that the inbox does not accept; the emulator only logs it."""
    handle = ses.handle_request

    def relay(source: str, recipients: list[str], message: str) -> None:
        host, port = ses._parse_smtp_host()  # noqa: SLF001
        with smtplib.SMTP(host, port, timeout=SMTP_TIMEOUT) as connection:
            connection.sendmail(source, recipients, message)

    async def handle_request(*arguments: Any) -> Any:
        try:
            # Waiting for the inbox must not block the other services.
            return await asyncio.to_thread(asyncio.run, handle(*arguments))
        except (OSError, smtplib.SMTPException) as error:
            message = f"The inbox did not accept the e-mail: {str(error) or type(error).__name__}"
            return ses._error("MessageRejected", message, 400)  # noqa: SLF001

    ses._smtp_relay, ses.handle_request = relay, handle_request  # noqa: SLF001


def list_any_key(s3: Any) -> None:
    """List object versions with URL-encoded keys, as on AWS: XML cannot contain control characters, U+FFFE and U+FFFF.

    boto3 and the AWS CLI request that encoding. In other responses such characters are replaced, since XML parsers
    reject them.
    """
    list_versions = s3._list_object_versions  # noqa: SLF001
    encoding: ContextVar[bool] = ContextVar("encoding", default=False)

    def encode_keys(text: str) -> str:
        def encode_value(match: re.Match[str]) -> str:
            return f"<{match[1]}>{quote(unescape(match[2]), safe='/', errors='surrogatepass')}<"

        text = re.sub(r"<(Key|Prefix|Delimiter|KeyMarker|NextKeyMarker)>([^<]*)<", encode_value, text)
        return text.replace("<IsTruncated>", "<EncodingType>url</EncodingType><IsTruncated>", 1)

    def make_xml_body(root: Any) -> bytes:
        text = s3.tostring(root, encoding="unicode")
        if encoding.get() and root.tag == "ListVersionsResult":
            text = encode_keys(text)
        return bytes(s3.XML_DECL) + b"\n" + _NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", text).encode()

    def list_object_versions(bucket: str, query: dict[str, Any]) -> Any:
        token = encoding.set(s3._qp(query, "encoding-type", "") == "url")  # noqa: SLF001
        try:
            return list_versions(bucket, query)
        finally:
            encoding.reset(token)

    s3._xml_body, s3._list_object_versions = make_xml_body, list_object_versions  # noqa: SLF001


class NotStoredError(BaseException):
    """An object could not be written to the disk.

    Not an Exception: the emulator only logs every Exception of a write, and reports the object as stored.
    """


def report_unstored_objects(s3: Any) -> None:
    """Return an error for an object that cannot be written to the disk, and discard the object."""
    handle, record_version = s3.handle_request, s3._record_object_version  # noqa: SLF001

    def write(path: str, data: bytes | str, *, text: bool = False) -> None:
        temporary = f"{path}.tmp"
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data.encode() if isinstance(data, str) else data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)  # noqa: PTH105 - the emulator's paths are strings
        except OSError as error:
            with contextlib.suppress(OSError):
                os.unlink(temporary)  # noqa: PTH108
            raise NotStoredError from error

    def record_object_version(bucket: str, key: str, prior: Any, record: Any, data: bytes) -> Any:
        """Write the object before its event is sent; the emulator writes it after that."""
        history, content = s3._object_versions, s3._buckets[bucket]  # noqa: SLF001
        previous_versions = list(history.get((bucket, key)) or [])
        try:
            version = record_version(bucket, key, prior, record, data)
            s3._persist_object(bucket, key, record)  # noqa: SLF001
        except NotStoredError:
            history[bucket, key] = previous_versions
            if prior is None:
                del content["objects"][key]
                s3._delete_persisted_object(bucket, key)  # noqa: SLF001
            else:
                content["objects"][key] = prior
                # Its file may already be overwritten; the versions have a copy.
                version_id = prior.get("version_id") or "null"
                prior["body"] = s3._version_body(content, bucket, key, {"version_id": version_id})  # noqa: SLF001
                with contextlib.suppress(NotStoredError):
                    s3._persist_object(bucket, key, prior)  # noqa: SLF001
            raise
        return version

    async def handle_request(*arguments: Any, **options: Any) -> Any:
        try:
            return await handle(*arguments, **options)
        except NotStoredError as error:
            cause = error.__cause__
            is_full = isinstance(cause, OSError) and cause.errno in {errno.ENOSPC, errno.EDQUOT}
            message = (
                f"The disk that holds {s3.DATA_DIR} is full" if is_full else f"The object cannot be written ({cause})"
            )
            # Clients do not retry this status.
            return s3._error("InsufficientStorage", f"{message}: nothing was stored", 507)  # noqa: SLF001

    s3._atomic_write, s3._record_object_version = write, record_object_version  # noqa: SLF001
    s3.handle_request = handle_request
