"""Rules for vendors, operators and categories: how they are added and changed, for API, portal and commands alike.

Each change and its entry in the audit log are one transaction, the caller's.
"""

from __future__ import annotations

import re
from typing import Any, Literal

from onboarding.domain.email_address import valid_address
from onboarding.storage.audit_log import Actor, record_action
from onboarding.storage.database import Connection
from onboarding.storage.queries import query

VENDOR_ID = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,49}$"
"""What can be the segment of a key and the tag of an AWS identity alike."""
PLAIN = r"^[^\x00-\x1f\x7f]*$"
"""Text without control characters: PostgreSQL holds no NUL, and the others would break lines of mails."""

Status = Literal["active", "suspended"]
Role = Literal["viewer", "admin"]


class InvalidInput(Exception):
    """A value is not allowed; the message says what is."""


class AlreadyExists(Exception):
    """There is one already, and it differs from what was to be added; the message names it."""


class NotFound(Exception):
    """There is no such vendor, operator or category; the message names it."""


def add_vendor(
    connection: Connection, actor: Actor, *, vendor_id: str, vendor_name: str, email: str, phone: str | None = None
) -> None:
    """Add a vendor, who may sign in and upload from now on. Raises AlreadyExists for an id that is taken."""
    if not re.fullmatch(VENDOR_ID, vendor_id):
        raise InvalidInput(f"'{vendor_id}' cannot be a vendor's id: up to 50 letters, digits, '-' and '_'")
    parameters = {
        "vendor_id": vendor_id,
        "vendor_name": _text("the vendor's name", vendor_name, 200),
        "email": _email(email),
        "phone": None if phone is None else _text("a telephone number", phone, 20, least=0),
    }
    if connection.execute(query("insert_vendor"), parameters).rowcount == 0:
        raise AlreadyExists(f"Vendor {vendor_id} already exists.")
    record_action(connection, actor, "vendor_created", vendor_id, vendor_id=vendor_id)


def change_vendor(
    connection: Connection,
    actor: Actor,
    vendor_id: str,
    *,
    vendor_name: str | None = None,
    email: str | None = None,
    phone: str | None = None,
    status: Status | None = None,
) -> None:
    """Change what is given. A new e-mail address ends the sessions and links of the old one. Raises NotFound."""
    found = connection.execute(query("lock_vendor"), {"vendor_id": vendor_id}).fetchone()
    if found is None:
        raise NotFound(f"there is no vendor {vendor_id}")
    changes = {
        "vendor_name": None if vendor_name is None else _text("the vendor's name", vendor_name, 200),
        "email": None if email is None else _email(email),
        "phone": None if phone is None else _text("a telephone number", phone, 20, least=0),
        "status": status,
    }
    connection.execute(query("update_vendor"), {"vendor_id": vendor_id, **changes})
    if changes["email"] not in {None, found[1]}:
        end_sessions_of_vendor(connection, vendor_id)
    given = {name: value for name, value in changes.items() if value is not None}
    record_action(connection, actor, "vendor_changed", vendor_id, vendor_id=vendor_id, **given)


def end_sessions_of_vendor(connection: Connection, vendor_id: str) -> None:
    """Sign a vendor out everywhere; sign-in links that were mailed and not used yet stop working."""
    # Links first: this waits for a use at the same moment, and then finds its session.
    connection.execute(query("expire_vendor_sign_in_links"), {"vendor_id": vendor_id})
    connection.execute(query("end_vendor_sessions"), {"vendor_id": vendor_id})


def add_operator(connection: Connection, actor: Actor, email: str, name: str, role: Role = "viewer") -> None:
    """Let somebody sign in as an operator. Raises AlreadyExists for an address that one has."""
    parameters = {"email": _email(email), "name": _text("the operator's name", name, 200), "role": role}
    if connection.execute(query("insert_operator"), parameters).rowcount == 0:
        raise AlreadyExists(f"Operator {parameters['email']} already exists.")
    record_action(connection, actor, "operator_created", str(parameters["email"]), role=role)


def change_operator(
    connection: Connection,
    actor: Actor,
    email: str,
    *,
    name: str | None = None,
    role: Role | None = None,
    status: Status | None = None,
) -> None:
    """Change what is given. Suspending an operator ends its sessions and links. Raises NotFound."""
    if connection.execute(query("lock_operator"), {"email": email}).fetchone() is None:
        raise NotFound(f"there is no operator {email}")
    changes = {
        "name": None if name is None else _text("the operator's name", name, 200),
        "role": role,
        "status": status,
    }
    connection.execute(query("update_operator"), {"email": email, **changes})
    if status == "suspended":
        connection.execute(query("expire_operator_sign_in_links"), {"email": email})
        connection.execute(query("end_operator_sessions"), {"email": email})
    given = {name: value for name, value in changes.items() if value is not None}
    record_action(connection, actor, "operator_changed", email, **given)


def add_category(connection: Connection, actor: Actor, category_name: str, description: str | None = None) -> int:
    """Add a category, which products may be in from now on, and return its id. Raises AlreadyExists."""
    parameters = {
        "category_name": _text("a category's name", category_name, 100),
        "description": None if description is None else _text("a description", description, 1000, least=0),
    }
    row = connection.execute(query("insert_category"), parameters).fetchone()
    if row is None:
        raise AlreadyExists(f"Category {parameters['category_name']} already exists.")
    record_action(connection, actor, "category_created", str(parameters["category_name"]))
    return int(row[0])


def change_category(
    connection: Connection,
    actor: Actor,
    category: int | str,
    *,
    description: str | None = None,
    is_active: bool | None = None,
) -> None:
    """Change what is given of a category, named by its id or its name. Raises NotFound."""
    by_id = isinstance(category, int)
    named = {"category_id": category if by_id else None, "category_name": None if by_id else category}
    row = connection.execute(query("lock_category"), named).fetchone()
    if row is None:
        raise NotFound(f"there is no category {category}")
    changes = {
        "description": None if description is None else _text("a description", description, 1000, least=0),
        "is_active": is_active,
    }
    connection.execute(query("update_category"), {"category_id": row[0], **changes})
    given: dict[str, Any] = {name: value for name, value in changes.items() if value is not None}
    record_action(connection, actor, "category_changed", str(category), **given)


def _email(text: str) -> str:
    try:
        return valid_address(text)
    except ValueError as error:
        raise InvalidInput(f"'{text}' is not an e-mail address that mail can be sent to: {error}") from error


def _text(what: str, text: str, most: int, *, least: int = 1) -> str:
    stripped = text.strip()
    if not least <= len(stripped) <= most or not re.fullmatch(PLAIN, stripped):
        length = f"{least} to {most}" if least else f"up to {most}"
        raise InvalidInput(f"{what} has {length} characters, and no control characters")
    return stripped
