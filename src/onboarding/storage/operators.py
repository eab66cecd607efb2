"""Repository for operators, with the rules for their fields."""

from __future__ import annotations

from typing import Any, Literal, get_args

from psycopg.rows import dict_row

from onboarding.storage.audit_log import Actor, record_action
from onboarding.storage.database import Connection
from onboarding.storage.errors import AlreadyExists, InvalidInput, NotFound
from onboarding.storage.input_validation import validate_email, validate_text
from onboarding.storage.queries import query

NAME_LENGTH = 200

Role = Literal["viewer", "admin"]
OperatorStatus = Literal["active", "suspended"]


def add_operator(connection: Connection, actor: Actor, *, email: str, name: str, role: Role = "viewer") -> None:
    """Add an active operator, who can sign in by e-mail. Raises AlreadyExists, InvalidInput."""
    _validate_role(role)
    address = validate_email(email)
    params = {"email": address, "name": validate_text("The operator's name", name, NAME_LENGTH), "role": role}
    if connection.execute(query("insert_operator"), params).rowcount == 0:
        raise AlreadyExists(f"Operator {address} already exists.")
    record_action(connection, actor, "operator_created", address, role=role)


def update_operator(
    connection: Connection,
    actor: Actor,
    email: str,
    *,
    name: str | None = None,
    role: Role | None = None,
    status: OperatorStatus | None = None,
) -> None:
    """Update the fields that are not None. Suspending an operator ends its sessions and invalidates its sign-in links.

    Raises NotFound, InvalidInput.
    """
    if role is not None:
        _validate_role(role)
    if status is not None and status not in get_args(OperatorStatus):
        raise InvalidInput("An operator is active or suspended")
    if connection.execute(query("lock_operator"), {"email": email}).fetchone() is None:
        raise NotFound(f"There is no operator {email}")
    changes = {
        "name": None if name is None else validate_text("The operator's name", name, NAME_LENGTH),
        "role": role,
        "status": status,
    }
    connection.execute(query("update_operator"), {"email": email, **changes})
    if status == "suspended":
        connection.execute(query("expire_operator_sign_in_links"), {"email": email})
        connection.execute(query("end_operator_sessions"), {"email": email})
    changed = {name: value for name, value in changes.items() if value is not None}
    record_action(connection, actor, "operator_updated", email, **changed)


def list_operators(connection: Connection) -> list[dict[str, Any]]:
    """List all operators, by e-mail address."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query("list_operators")).fetchall()


def _validate_role(role: str) -> None:
    if role not in get_args(Role):
        raise InvalidInput("An operator is a viewer or an admin")
