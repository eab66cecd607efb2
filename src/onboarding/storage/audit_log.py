"""Repository for the audit log: who did what, to what, from where."""

from __future__ import annotations

import json
from dataclasses import dataclass

from onboarding.storage.database import Connection
from onboarding.storage.queries import query


@dataclass(frozen=True, slots=True)
class Actor:
    """The party that acts: `operator:<e-mail>`, `vendor:<id>`, `key:<id>` or `command:<user>`, and its IP address.

    `vendor_id` is the vendor that acts, by its session or key; None for operators and commands.
    """

    name: str
    ip: str = ""
    vendor_id: str | None = None


def record_action(
    connection: Connection, actor: Actor, action: str, subject: str, *, vendor_id: str | None = None, **detail: object
) -> None:
    """Write an entry, in the transaction that makes the change.

    `vendor_id` is the vendor concerned, who may see the entry; it defaults to the actor's. `detail` must hold no
    secrets.
    """
    parameters = {
        "actor": actor.name,
        "vendor_id": actor.vendor_id or vendor_id,
        "action": action,
        "subject": subject[:500],
        "ip": actor.ip,
        "detail": json.dumps(detail, default=str),
    }
    connection.execute(query("insert_audit_entry"), parameters)
