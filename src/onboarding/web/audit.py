"""Entries of the audit log for requests."""

from __future__ import annotations

from onboarding.storage.audit_log import record_action
from onboarding.storage.database import Connection
from onboarding.web.auth import Principal


def note(
    connection: Connection,
    principal: Principal,
    action: str,
    subject: str,
    *,
    vendor_id: str | None = None,
    **detail: object,
) -> None:
    """Record an action of a principal in the transaction that does it. Secrets have no place in `detail`.

    `vendor_id` is whose thing an operator acted on: that vendor may see it too.
    """
    record_action(connection, principal.recorded, action, subject, vendor_id=principal.vendor_id or vendor_id, **detail)
