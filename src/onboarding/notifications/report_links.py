"""Signed links to error reports: valid for seven days, resolved to a pre-signed S3 URL that is valid for minutes.

A pre-signed S3 URL expires with the session of the role that signed it, within hours; a signed token does not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

from onboarding.config import LOGIN_FIELDS

DAYS_VALID = 7
REDIRECT_SECONDS = 300


class LinkExpired(Exception):
    """The link was valid for `report_key` and has expired."""

    def __init__(self, report_key: str | None = None) -> None:
        super().__init__(report_key)
        self.report_key = report_key


class LinkInvalid(Exception):
    """The link has no valid signature."""


def _serializer(keys: Mapping[str, str]) -> URLSafeTimedSerializer:
    # The last key signs, every key verifies. Functions cache the keys for an hour, so a new key is added under another
    # name first and becomes `current` later; the former key stays for seven days (steps: docs/operations.md).
    # The secret also has report-link's database login.
    former = [key for name, key in keys.items() if name not in {"current", *LOGIN_FIELDS}]
    ordered: Sequence[str] = [*former, keys["current"]]
    return URLSafeTimedSerializer(list(ordered), salt="error-report")


def sign_report_link(report_key: str, keys: Mapping[str, str]) -> str:
    """Return a token for a report's key in the bucket. `keys` has `current` and, under other names, older keys."""
    token = _serializer(keys).dumps(report_key)
    return token if isinstance(token, str) else token.decode()


def verify_report_link(token: str, keys: Mapping[str, str]) -> str:
    """Return the report's key of a token. Raises LinkExpired after seven days, LinkInvalid for any other text."""
    try:
        return str(_serializer(keys).loads(token, max_age=DAYS_VALID * 86_400))
    except SignatureExpired as error:
        # The signature is valid, so the payload can be trusted.
        raise LinkExpired(_serializer(keys).load_payload(error.payload) if error.payload else None) from error
    except BadSignature as error:
        raise LinkInvalid from error
