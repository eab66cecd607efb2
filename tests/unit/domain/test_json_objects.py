"""Dataclasses from JSON of another version: messages, Lambda payloads and stored values."""

from __future__ import annotations

import pytest

from onboarding.domain.json_objects import from_json
from onboarding.files.models import FileDetails
from onboarding.lambda_handlers.admin_queries import upload_from_json
from onboarding.notifications.email import UploadResult
from onboarding.notifications.sign_in_email import SignInEmail
from onboarding.pipeline.recovery import RecoveryAction

SIGN_IN_EMAIL = {"address": "a@b.example", "links": [], "expires_at": 1.0}
RECOVERY_ACTION = {"upload_id": "U", "vendor_id": "V", "s3_key": "K", "outcome": "resumed"}
UPLOAD_RESULT = {
    "upload_id": "U",
    "vendor_id": "V",
    "vendor_name": "N",
    "vendor_email": "a@b.example",
    "file_name": "f.csv",
    "status": "partial",
}


@pytest.mark.parametrize(
    ("model", "values"),
    [(SignInEmail, SIGN_IN_EMAIL), (RecoveryAction, RECOVERY_ACTION), (UploadResult, UPLOAD_RESULT)],
    ids=lambda value: str(value)[:40],
)
def test_from_json_unknown_field_is_ignored(model: type, values: dict[str, object]) -> None:
    assert from_json(model, {**values, "added_later": 1}) == model(**values)


def test_from_json_missing_field_takes_its_default() -> None:
    assert from_json(UploadResult, UPLOAD_RESULT).warnings == []
    action = from_json(RecoveryAction, {"upload_id": "U", "outcome": "resumed"}, vendor_id=None, s3_key=None)
    assert action.vendor_id is None


def test_from_json_missing_field_without_default_raises() -> None:
    with pytest.raises(TypeError, match="expires_at"):
        from_json(SignInEmail, {"address": "a@b.example", "links": []})


def test_upload_from_json_of_another_version_has_the_known_columns() -> None:
    upload = upload_from_json({"upload_id": "U", "status": "partial", "notified_at": None, "added_later": {}})
    assert (upload.upload_id, upload.status.value) == ("U", "partial")
    assert [upload.notified_at, upload.vendor_name] == [None, None]


def test_file_details_from_json_of_another_version_has_the_known_fields() -> None:
    assert FileDetails.from_json({"format": "xlsx", "added_later": 1}) == FileDetails("xlsx", 1, {})
