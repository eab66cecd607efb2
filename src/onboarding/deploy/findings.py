"""Findings of the checks before a deployment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

DENIED = frozenset(
    {"AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation", "UnauthorizedException"}
)
"""The services' codes for a call that the credentials may not make."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found. `blocks`: the deployment would fail over it."""

    text: str
    blocks: bool = False


def checked(subject: str, findings: Iterator[Finding]) -> Iterator[Finding]:
    """Yield a check's findings; a call that AWS refuses is a finding too, and the other checks still run."""
    try:
        yield from findings
    except ClientError as error:
        details = error.response.get("Error", {})
        if details.get("Code") in DENIED:
            yield Finding(
                f"Not checked: {subject}. Your credentials may not call {error.operation_name}; if the deployment "
                "needs the same right, it stops there."
            )
        else:
            yield _failed(
                subject, f"AWS refused {error.operation_name}: {details.get('Code')}: {details.get('Message')}"
            )
    except BotoCoreError as error:
        yield _failed(subject, str(error))


def _failed(subject: str, reason: str) -> Finding:
    return Finding(f"Could not check {subject}. {reason.rstrip('.')}.", blocks=True)
