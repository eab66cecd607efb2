"""The audit log: who did what, to what, from where. Written in the transaction that does it."""

from __future__ import annotations

import json
from dataclasses import dataclass

from onboarding.storage.database import Connection
from onboarding.storage.queries import query


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: `operator:<e-mail>`, `vendor:<id>`, `key:<id>` or `command:<user>`; and from which IP address."""

    name: str
    ip: str = ""


def record_action(
    connection: Connection, actor: Actor, action: str, subject: str, *, vendor_id: str | None = None, **detail: object
) -> None:
    """Write an entry. `vendor_id` is the vendor concerned, who may see the entry. Secrets have no place in `detail`."""
    parameters = {
        "actor": actor.name,
        "vendor_id": vendor_id,
        "action": action,
        "subject": subject[:500],
        "ip": actor.ip,
        "detail": json.dumps(detail, default=str),
    }
    connection.execute(query("insert_audit_entry"), parameters)
