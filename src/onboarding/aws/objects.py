"""Reader and writer of product files in S3, and the rules for their names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from http import HTTPStatus
from typing import Any

from botocore.exceptions import ClientError

from onboarding.domain.error_codes import RejectionCode
from onboarding.domain.models import FileRejection
from onboarding.domain.text import one_line
from onboarding.files.parser import check_size
from onboarding.runtime import AppContext

SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx")
"""File name extensions of product files, in any case."""

ENDINGS = f"{', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}"

FORBIDDEN_NAME_CHARACTERS = r"\x00-\x1f\x7f-\x9f\ufffe\uffff"
"""Characters that a file name must not contain, as a regular expression class. They are control characters, or XML
cannot contain them, so that clients cannot list the object."""

_DELETED_CODES = frozenset({"NoSuchKey", "NoSuchVersion"})

_FOREIGN_KEY = "it is encrypted with a key that is not the marketplace's"


@dataclass(frozen=True, slots=True)
class ObjectContent:
    """Content and metadata of an object; `size` in bytes, `last_modified` in UTC.

    `data` is None if the object is too large, or if it cannot be read; the rejection is then in `unreadable`.
    """

    data: bytes | None
    size: int
    last_modified: datetime
    metadata: Mapping[str, str] = field(default_factory=dict)
    unreadable: FileRejection | None = None

    @property
    def sha256(self) -> str | None:
        """Return the hash of the content in hexadecimal digits, or None without content."""
        return sha256(self.data).hexdigest() if self.data is not None else None


def is_folder_marker(key: str, size: int) -> bool:
    """Return whether an object is a folder that the S3 console created. Such objects are ignored."""
    return key.endswith("/") and size == 0


def check_file_name(file_name: str) -> FileRejection | None:
    """Return the rejection of a file whose name does not end in one of `SUFFIXES`, otherwise None."""
    if file_name.lower().endswith(SUFFIXES):
        return None
    return FileRejection(
        RejectionCode.UNKNOWN_FILE_TYPE,
        f"'{one_line(file_name)}' is not a product file by its name, which must end in {ENDINGS}. Save the table as "
        "CSV UTF-8 or as an Excel workbook (.xlsx), and upload that",
    )


def has_object(ctx: AppContext, bucket: str, key: str) -> bool:
    """Return whether an object exists. Without permission to list, S3 reports a missing object as forbidden."""
    try:
        ctx.s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] in {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}:
            return False
        raise
    return True


class UnreadableObject(Exception):
    """S3 returns neither the content nor the metadata of an object; the message states the reason."""


def read_object(ctx: AppContext, bucket: str, key: str, version_id: str) -> ObjectContent | None:
    """Return the content of an object version, or None if it was deleted. Raises UnreadableObject."""
    params: Any = {"Bucket": bucket, "Key": key, **({"VersionId": version_id} if version_id else {})}
    try:
        response = ctx.s3.get_object(**params)
    except ClientError as error:
        if error.response["Error"]["Code"] in _DELETED_CODES:
            return None
        return _describe_unreadable(ctx, params, error)
    size = response["ContentLength"]
    with response["Body"] as body:
        data = None if check_size(size) else body.read()
    return ObjectContent(data, size, response["LastModified"], response.get("Metadata", {}))


def _describe_unreadable(ctx: AppContext, params: Any, error: ClientError) -> ObjectContent:
    """Return the metadata of an object that cannot be read because of its storage. Raises any other error."""
    reason = _get_storage_reason(error)
    if reason is None and error.response["Error"]["Code"] != "AccessDenied":
        raise error
    try:
        # HeadObject needs no permission for the encryption key: if it succeeds although GetObject is denied without a
        # reason, the key is the cause.
        head = ctx.s3.head_object(**params)
    except ClientError as head_error:
        if reason is None:
            raise error from head_error
        raise UnreadableObject(f"The object cannot be read: {reason}") from error
    if reason is None and head.get("ServerSideEncryption", "").startswith("aws:kms"):
        reason = _FOREIGN_KEY
    if reason is None:
        raise error
    rejection = FileRejection(
        RejectionCode.UNREADABLE_OBJECT,
        f"The file cannot be read: {reason}. Upload it again with the storage class STANDARD and without an encryption "
        "key of your own",
    )
    return ObjectContent(None, head["ContentLength"], head["LastModified"], head.get("Metadata", {}), rejection)


def _get_storage_reason(error: ClientError) -> str | None:
    """Return why the storage of an object prevents reading it; None if the error has another cause or none."""
    code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    if code == "InvalidObjectState":
        return "it is stored in an archive storage class (GLACIER or DEEP_ARCHIVE)"
    if code.startswith("KMS.") or (code == "AccessDenied" and "kms:" in message):
        return _FOREIGN_KEY
    if code == "InvalidRequest" and "Server Side Encryption" in message:
        return "it is encrypted with a key of its sender (SSE-C)"
    return None


def put_new_object(ctx: AppContext, key: str, body: bytes, metadata: Mapping[str, str]) -> None:
    """Write a CSV file under a key of the bucket, unless the key has an object already."""
    for is_last_attempt in (False, False, True):
        try:
            ctx.s3.put_object(
                Bucket=ctx.settings.bucket,
                Key=key,
                Body=body,
                ContentType="text/csv",
                Metadata=metadata,
                IfNoneMatch="*",
            )
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code == "PreconditionFailed":
                return
            # S3's response while another request writes this key, which may fail.
            if code != "ConditionalRequestConflict" or is_last_attempt:
                raise
        else:
            return
