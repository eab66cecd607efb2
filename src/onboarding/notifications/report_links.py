"""The link in the mail: names one report, works for seven days, and leads to an address of S3 that works for minutes.

An address signed by a role's session ends with that session, within hours; a token of ours does not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

from onboarding.config import LOGIN_FIELDS

DAYS_VALID = 7
REDIRECT_SECONDS = 300


class LinkExpired(Exception):
    """The link was good once, and led to `report_key`."""

    def __init__(self, report_key: str | None = None) -> None:
        super().__init__(report_key)
        self.report_key = report_key


class LinkInvalid(Exception):
    """The link was never ours, or was changed."""


def _serializer(keys: Mapping[str, str]) -> URLSafeTimedSerializer:
    # The last key signs, every key verifies. Functions keep the keys for an hour, so a new key is first added under any
    # other name; when all know it, it becomes `current`, and the former one stays, renamed, for the seven days
    # (docs/operations.md has the steps).
    # The secret holds report-link's login to the database too.
    former = [key for name, key in keys.items() if name not in {"current", *LOGIN_FIELDS}]
    ordered: Sequence[str] = [*former, keys["current"]]
    return URLSafeTimedSerializer(list(ordered), salt="error-report")


def sign_report_link(report_key: str, keys: Mapping[str, str]) -> str:
    """A token for a report, by its key in the bucket. `keys` holds `current` and, by any other names, former ones."""
    token = _serializer(keys).dumps(report_key)
    return token if isinstance(token, str) else token.decode()


def verify_report_link(token: str, keys: Mapping[str, str]) -> str:
    """The report's key that a token names. Raises `LinkExpired` after seven days, `LinkInvalid` for any other text."""
    try:
        return str(_serializer(keys).loads(token, max_age=DAYS_VALID * 86_400))
    except SignatureExpired as error:
        # Signed by us, so what it says may be believed, only no longer followed.
        raise LinkExpired(_serializer(keys).load_payload(error.payload) if error.payload else None) from error
    except BadSignature as error:
        raise LinkInvalid from error
