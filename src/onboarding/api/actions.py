"""The record of who did what: every action that changes something or opens a door leaves a line."""

from __future__ import annotations

import json
from typing import Any

from onboarding.api.who import Caller
from onboarding.database import Connection
from onboarding.sql import statement


def note(
    connection: Connection, caller: Caller, action: str, subject: str, *, vendor_id: str | None = None, **detail: Any
) -> None:
    """Record an action of a caller in the transaction that does it. Secrets have no place in `detail`.

    `vendor_id` is whose thing an operator acted on: that vendor may see it too.
    """
    vendor_id = caller.vendor_id or vendor_id
    note_of(connection, caller.actor, action, subject, vendor_id=vendor_id, ip=caller.ip, **detail)


def note_of(
    connection: Connection, actor: str, action: str, subject: str, *, vendor_id: str | None, ip: str, **detail: Any
) -> None:
    """The same for somebody who is no caller yet."""
    parameters = {
        "actor": actor,
        "vendor_id": vendor_id,
        "action": action,
        "subject": subject[:500],
        "ip": ip,
        "detail": json.dumps(detail, default=str),
    }
    connection.execute(statement("api_note_action"), parameters)
