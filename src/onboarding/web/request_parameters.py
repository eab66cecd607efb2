"""Types of request parameters and fields: ids, names, addresses, times."""

from __future__ import annotations

from typing import Annotated

from fastapi import Header, Path, Query
from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints

from onboarding.domain.email_address import normalize_email_address
from onboarding.storage.input_validation import PLAIN_TEXT
from onboarding.storage.vendors import NAME_LENGTH, VENDOR_ID

UploadId = Annotated[
    str, Path(min_length=1, max_length=50, pattern=r"^[A-Za-z0-9_-]+$", examples=["UPLOAD_20241221_103045_0a1b2c3d"])
]
UploadSessionId = Annotated[str, Path(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9_-]+$")]
KeyId = Annotated[str, Path(min_length=1, max_length=20, pattern=r"^[A-Za-z0-9_-]+$")]
VendorId = Annotated[str, Path(pattern=VENDOR_ID, examples=["VEND001"])]
MappingId = Annotated[str, Path(min_length=1, max_length=20, pattern=r"^[A-Za-z0-9_-]+$")]
MAPPING_DESCRIPTION = (
    "Name, id or reference of a mapping, or `none`; default: the one that is remembered for the headers of the file"
)
MappingOption = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=PLAIN_TEXT)
]
ValueMappingId = Annotated[int, Path(ge=1, lt=2**63)]
ProductId = Annotated[int, Path(ge=1, lt=2**63)]
CategoryId = Annotated[int, Path(ge=1, lt=2**63)]
VendorFilter = Annotated[
    str | None,
    Query(pattern=VENDOR_ID, description="For operators: only this vendor. Vendors always see only their own data"),
]

Since = Annotated[AwareDatetime | None, Query(description="At or after this time", examples=["2026-01-01T00:00:00Z"])]
Until = Annotated[AwareDatetime | None, Query(description="Before this time")]

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="A unique value that you choose; repeating a request with it has no further effect",
    ),
]

Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=NAME_LENGTH, pattern=PLAIN_TEXT)
]

Email = Annotated[
    str,
    StringConstraints(min_length=3, max_length=254),
    Field(json_schema_extra={"format": "email"}),
    AfterValidator(normalize_email_address),
]
