"""Object versions: vendor, file name, and upload id."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboarding.pipeline.ingest import S3ObjectVersion

WRITTEN = datetime(2024, 12, 21, 10, 30, 45, 999_000, tzinfo=UTC)


def record(key: str, **changes: Any) -> dict[str, Any]:
    """Return the parts of an S3 event record that are read, with this URL-encoded key."""
    properties = {"key": key, "size": 1, "eTag": "e", "sequencer": "s", "versionId": "v1", **changes}
    return {"eventSource": "aws:s3", "s3": {"bucket": {"name": "bucket"}, "object": properties}}


def object_at(key: str, version_id: str = "v1", bucket: str = "bucket") -> S3ObjectVersion:
    return S3ObjectVersion(bucket, key, version_id)


@pytest.mark.parametrize(
    ("encoded", "key"),
    [
        ("uploads/VEND001/a.csv", "uploads/VEND001/a.csv"),
        ("uploads/VEND001/my+file%2B%C3%BC+%281%29.csv", "uploads/VEND001/my file+ü (1).csv"),
        ("uploads/VEND001/100%25.csv", "uploads/VEND001/100%.csv"),
        ("uploads%2FVEND001%2Fa.csv", "uploads/VEND001/a.csv"),
    ],
)
def test_from_event_record_key_is_url_decoded(encoded: str, key: str) -> None:
    assert S3ObjectVersion.from_event_record(record(encoded)) == S3ObjectVersion("bucket", key, "v1")


def test_from_event_record_without_version_has_empty_version() -> None:
    encoded = record("uploads/VEND001/a.csv")
    del encoded["s3"]["object"]["versionId"]
    assert S3ObjectVersion.from_event_record(encoded).version_id == ""


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8"), min_size=1))
def test_from_event_record_any_key_is_unchanged(key: str) -> None:
    assert S3ObjectVersion.from_event_record(record(quote_plus(key))).key == key


@pytest.mark.parametrize(
    ("key", "vendor_id", "file_name"),
    [
        ("uploads/VEND001/a.csv", "VEND001", "a.csv"),
        ("uploads/VEND001/VEND002/a.csv", "VEND001", "a.csv"),
        ("uploads/VEND001/2024/12/a b.csv", "VEND001", "a b.csv"),
        ("uploads/VEND001/VEND002_products.csv", "VEND001", "VEND002_products.csv"),
        ("uploads/VEND001/.csv", "VEND001", ".csv"),
        ("uploads/ VEND001/a.csv", " VEND001", "a.csv"),
        ("uploads/../a.csv", "..", "a.csv"),
        ("uploads/a.csv", None, "a.csv"),
        ("uploads//a.csv", None, "a.csv"),
        ("uploads/", None, ""),
        ("a.csv", None, "a.csv"),
        ("Uploads/VEND001/a.csv", None, "a.csv"),
        ("errors/VEND001/a.csv", None, "a.csv"),
        ("/uploads/VEND001/a.csv", None, "a.csv"),
        ("x/uploads/VEND001/a.csv", None, "a.csv"),
        ("uploads/VEND001/a\0.csv", None, "a\0.csv"),
    ],
)
def test_object_vendor_is_the_second_segment_of_the_key(key: str, vendor_id: str | None, file_name: str) -> None:
    assert (object_at(key).vendor_id, object_at(key).file_name) == (vendor_id, file_name)


def test_upload_id_has_the_write_time_in_utc() -> None:
    name = object_at("uploads/VEND001/a.csv").upload_id(WRITTEN)
    assert re.fullmatch(r"UPLOAD_20241221_103045_[0-9a-f]{8}", name)


def test_upload_id_of_one_version_is_stable() -> None:
    encoded = S3ObjectVersion.from_event_record(record("uploads/VEND001/my+file.csv"))
    assert encoded.upload_id(WRITTEN) == object_at("uploads/VEND001/my file.csv").upload_id(WRITTEN)
    # Ids must not change between releases: an event that is redelivered after a deployment has the same upload.
    assert object_at("uploads/VEND001/a.csv").upload_id(WRITTEN) == "UPLOAD_20241221_103045_96ce5dfe"


def test_upload_id_of_versions_in_one_second_differs() -> None:
    names = {
        object_at(f"uploads/VEND00{vendor}/{file}.csv", f"v{version}").upload_id(WRITTEN)
        for vendor in range(3)
        for file in range(100)
        for version in range(3)
    }
    assert len(names) == 900
    assert object_at("k", bucket="one").upload_id(WRITTEN) != object_at("k", bucket="two").upload_id(WRITTEN)


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8"), max_size=1024), st.text(st.characters(codec="utf-8"), max_size=100))
def test_upload_id_fits_its_column(key: str, version_id: str) -> None:
    source = object_at(key, version_id)
    short, longer = source.upload_id(WRITTEN), source.upload_id(WRITTEN, digits=16)
    assert len(short) <= len(longer) <= 50
    assert longer.startswith(short)
    assert longer.isascii()
