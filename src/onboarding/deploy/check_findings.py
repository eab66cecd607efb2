"""Findings of the checks before a deployment, including checks that AWS did not allow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

DENIED_CODES = frozenset(
    {"AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation", "UnauthorizedException"}
)
"""The services' error codes for a call that the credentials do not allow."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding of a check. `blocks` is true if the deployment would fail because of it."""

    text: str
    blocks: bool = False


def include_failures(subject: str, findings: Iterator[Finding]) -> Iterator[Finding]:
    """Yield the findings of a check. An error of AWS becomes a finding, so that the other checks still run."""
    try:
        yield from findings
    except ClientError as error:
        details = error.response.get("Error", {})
        if details.get("Code") in DENIED_CODES:
            yield Finding(
                f"Not checked: {subject}. Your credentials do not allow {error.operation_name}; if the deployment "
                "needs the same permission, it will stop there."
            )
        else:
            yield _make_failure(
                subject, f"AWS rejected {error.operation_name}: {details.get('Code')}: {details.get('Message')}"
            )
    except BotoCoreError as error:
        yield _make_failure(subject, str(error))


def _make_failure(subject: str, reason: str) -> Finding:
    return Finding(f"Could not check {subject}. {reason.rstrip('.')}.", blocks=True)
