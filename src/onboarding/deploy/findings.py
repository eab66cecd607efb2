"""Findings of the checks before a deployment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

DENIED = frozenset(
    {"AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation", "UnauthorizedException"}
)
"""The services' error codes for a call that the credentials do not allow."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The finding of a check. `blocks`: the deployment would fail because of it."""

    text: str
    blocks: bool = False


def include_failures(subject: str, findings: Iterator[Finding]) -> Iterator[Finding]:
    """Yield a check's findings; a call that AWS refuses becomes a finding, so that the other checks still run."""
    try:
        yield from findings
    except ClientError as error:
        details = error.response.get("Error", {})
        if details.get("Code") in DENIED:
            yield Finding(
                f"Not checked: {subject}. Your credentials do not allow {error.operation_name}; if the deployment "
                "needs the same permission, it will stop there."
            )
        else:
            yield _failure(
                subject, f"AWS refused {error.operation_name}: {details.get('Code')}: {details.get('Message')}"
            )
    except BotoCoreError as error:
        yield _failure(subject, str(error))


def _failure(subject: str, reason: str) -> Finding:
    return Finding(f"Could not check {subject}. {reason.rstrip('.')}.", blocks=True)
