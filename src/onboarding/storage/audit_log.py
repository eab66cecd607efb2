"""Repository for the audit log of changes by vendors, operators and commands."""

from __future__ import annotations

import json
from dataclasses import dataclass

from onboarding.storage.database import Connection
from onboarding.storage.queries import query


@dataclass(frozen=True, slots=True)
class Actor:
    """The principal of a change.

    `name` is `operator:<e-mail>`, `vendor:<id>`, `key:<id>` or `command:<user>`. `ip` is its IP address. `vendor_id`
    is the vendor that acts by its session or key; None for operators and commands.
    """

    name: str
    ip: str = ""
    vendor_id: str | None = None


def record_action(
    connection: Connection, actor: Actor, action: str, subject: str, *, vendor_id: str | None = None, **detail: object
) -> None:
    """Insert an entry in the transaction that makes the change.

    A vendor sees its own entries: those with the `vendor_id` of the actor or, if it has none, with this `vendor_id`.
    `subject` identifies the changed object. `detail` must not contain secrets.
    """
    params = {
        "actor": actor.name,
        "vendor_id": actor.vendor_id or vendor_id,
        "action": action,
        "subject": subject[:500],
        "ip": actor.ip,
        "detail": json.dumps(detail, default=str),
    }
    connection.execute(query("insert_audit_entry"), params)
