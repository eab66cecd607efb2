"""The smoke test: a tiny file of the smoke vendor through the whole pipeline, and away again."""

from __future__ import annotations

import csv
import io
import time
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

from onboarding.admin import SMOKE_VENDOR
from onboarding.deploy.buckets import empty
from onboarding.deploy.calls import admin
from onboarding.deploy.plan import DeployError, MakeClient, Say
from onboarding.intake import Object
from onboarding.model import COLUMNS
from onboarding.resource_names import prefix_of_bucket

Ask = Callable[..., dict[str, Any]]
"""Carries out an action of the function `admin` by its name and arguments."""

# SES takes its mail and nobody gets it; it does not count as a bounce either.
ADDRESS = "success@simulator.amazonses.com"


def smoke_test(client: MakeClient, bucket: str, say: Say, timeout: float = 180, pause: float = 1) -> None:
    """One good row and one bad one, in and out. Raises DeployError if what comes out is anything else."""
    s3, ask = client("s3"), partial(admin, client("lambda"), prefix=prefix_of_bucket(bucket))
    ask("add_vendor", vendor_id=SMOKE_VENDOR, vendor_name="Smoke test", email=ADDRESS)
    ask("change_vendor", vendor_id=SMOKE_VENDOR, status="active")
    upload_id: str | None = None
    try:
        key = f"uploads/{SMOKE_VENDOR}/smoke.csv"
        started = time.monotonic()
        version = s3.put_object(Bucket=bucket, Key=key, Body=_file())["VersionId"]
        source = Object(bucket, key, version)
        written = s3.head_object(Bucket=bucket, Key=key, VersionId=version)["LastModified"]
        upload_id = source.upload_id(written)
        upload = _finished(ask, upload_id, timeout, pause)
        counts = (upload["status"], upload["valid_records"], upload["error_records"])
        if counts != ("partial", 1, 1):
            raise DeployError(f"the smoke test's upload ended as {counts} instead of partial with 1 valid and 1 not")
        lines = (
            s3.get_object(Bucket=bucket, Key=upload["error_file_s3_key"])["Body"]
            .read()
            .decode("utf-8-sig")
            .splitlines()
        )
        if not any("INVALID_PRICE" in line for line in lines):
            raise DeployError(f"the smoke test's report does not name the error: {lines}")
        say(f"  a file came through in {time.monotonic() - started:.1f} s, its report says what was wrong")
    finally:
        _clean(ask, s3, bucket, upload_id)


def _file() -> bytes:
    """Two rows that no catalog has, one of them with a price that no rule lets pass."""
    mark = uuid.uuid4().hex[:12]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    for number, price in ((1, "1.00"), (2, "-1.00")):
        writer.writerow(
            {
                "vendor_product_id": f"SMOKE-{mark}-{number}",
                "product_name": "Smoke test",
                "category": "Electronics",
                "sku": f"SMOKE-{mark}-{number}",
                "price": price,
                "stock_quantity": "0",
            }
        )
    return text.getvalue().encode()


def _finished(ask: Ask, upload_id: str, timeout: float, pause: float) -> dict[str, Any]:
    deadline = time.monotonic() + timeout
    while True:
        upload: dict[str, Any] | None = ask("show_upload", upload_id=upload_id)["upload"]
        if upload is not None and upload["notified"]:
            return upload
        if time.monotonic() > deadline:
            raise DeployError(f"the smoke test's file did not come through in {timeout:g} s; it stands at: {upload}")
        time.sleep(pause)


def _clean(ask: Ask, s3: Any, bucket: str, upload_id: str | None) -> None:
    """Nothing of it stays in the catalog or the bucket. The history keeps it: its events may come once more."""
    ask("change_vendor", vendor_id=SMOKE_VENDOR, status="suspended")
    if upload_id is not None and _settled(ask, upload_id):
        ask("undo_upload", upload_id=upload_id)
    for prefix in (f"uploads/{SMOKE_VENDOR}/", f"errors/{SMOKE_VENDOR}/"):
        empty(s3, bucket, prefix)


def _settled(ask: Ask, upload_id: str) -> bool:
    upload = ask("show_upload", upload_id=upload_id)["upload"]
    return upload is not None and upload["status"] != "processing"
