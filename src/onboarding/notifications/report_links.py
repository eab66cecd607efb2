"""Signed links to error reports: valid for seven days, resolved to a pre-signed S3 URL that is valid for minutes.

A pre-signed S3 URL cannot be used in the e-mail: it expires within hours, with the session of the role that signed it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

from onboarding.config import LOGIN_FIELDS

DAYS_VALID = 7
REDIRECT_SECONDS = 300


class LinkExpired(Exception):
    """The link has expired. `report_key` is the key of its report."""

    def __init__(self, report_key: str | None = None) -> None:
        super().__init__(report_key)
        self.report_key = report_key


class LinkInvalid(Exception):
    """The link has no valid signature."""


def _build_serializer(keys: Mapping[str, str]) -> URLSafeTimedSerializer:
    # The last key signs, every key verifies. Functions cache the keys for an hour, so a rotation adds the new key under
    # another name before it becomes `current`, and keeps the former key for seven days (steps: docs/operations.md).
    # The secret has the database login of report-link too.
    former_keys = [key for name, key in keys.items() if name not in {"current", *LOGIN_FIELDS}]
    sorted_keys: Sequence[str] = [*former_keys, keys["current"]]
    return URLSafeTimedSerializer(list(sorted_keys), salt="error-report")


def sign_report_link(report_key: str, keys: Mapping[str, str]) -> str:
    """Return a token for the key of a report in the bucket. `keys` has `current` and older keys under other names."""
    token = _build_serializer(keys).dumps(report_key)
    return token if isinstance(token, str) else token.decode()


def verify_report_link(token: str, keys: Mapping[str, str]) -> str:
    """Return the key of the report of a token. Raises LinkExpired after seven days, LinkInvalid for any other text."""
    try:
        return str(_build_serializer(keys).loads(token, max_age=DAYS_VALID * 86_400))
    except SignatureExpired as error:
        # The signature is valid, so the payload can be trusted.
        raise LinkExpired(_build_serializer(keys).load_payload(error.payload) if error.payload else None) from error
    except BadSignature as error:
        raise LinkInvalid from error
