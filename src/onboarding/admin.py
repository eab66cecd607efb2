"""What an operator does to the database: migrations, vendors, categories, operators, a look at the smoke test's upload.

Each action is a name and JSON arguments, and answers JSON: where the database cannot be reached from outside, as on
AWS, the function `admin` carries it out inside.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from onboarding import ledger
from onboarding.database import Connection, Database
from onboarding.sql import statement
from onboarding.undo import NotUndoable, undo

SMOKE_VENDOR = "SMOKE"
"""The vendor of the smoke test: what it uploads is undone, and stays in the history."""

Answer = dict[str, Any]

# What can be the segment of a key and the tag of an AWS identity alike.
_VENDOR_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,49}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


class AdminError(Exception):
    """An action cannot be carried out as asked; the message says why."""


def add_vendor(
    connection: Connection, *, vendor_id: str, vendor_name: str, email: str, phone: str | None = None
) -> Answer:
    """Add a vendor, or make a suspended one active again with this name and address."""
    if not _VENDOR_ID.fullmatch(vendor_id):
        raise AdminError(f"'{vendor_id}' cannot be a vendor's id: up to 50 letters, digits, '-' and '_'")
    if not _EMAIL.fullmatch(email) or len(email) > 255:
        raise AdminError(f"'{email}' is not an e-mail address")
    if not vendor_name.strip() or len(vendor_name) > 200:
        raise AdminError("a vendor's name has 1 to 200 characters")
    if phone is not None and len(phone) > 20:
        raise AdminError("a telephone number has up to 20 characters")
    parameters = {"vendor_id": vendor_id, "vendor_name": vendor_name.strip(), "email": email, "phone": phone}
    connection.execute(statement("add_vendor"), parameters)
    return {"vendor_id": vendor_id}


def suspend_vendor(connection: Connection, *, vendor_id: str) -> Answer:
    """Refuse a vendor's files from now on. Raises AdminError for one that is not known."""
    if connection.execute(statement("suspend_vendor"), {"vendor_id": vendor_id}).fetchone() is None:
        raise AdminError(f"there is no vendor {vendor_id}")
    return {"vendor_id": vendor_id}


def list_vendors(connection: Connection) -> Answer:
    names = ("vendor_id", "vendor_name", "email", "status", "uploads")
    rows = connection.execute(statement("list_vendors")).fetchall()
    return {"vendors": [dict(zip(names, row, strict=True)) for row in rows]}


def add_category(connection: Connection, *, category_name: str, description: str | None = None) -> Answer:
    """Add a category, or make a disabled one active again."""
    name = category_name.strip()
    if not name or len(name) > 100:
        raise AdminError("a category's name has 1 to 100 characters")
    connection.execute(statement("add_category"), {"category_name": name, "description": description})
    return {"category_name": name}


def disable_category(connection: Connection, *, category_name: str) -> Answer:
    """Take a category off the list that rows are held against. Raises AdminError for one that is not known."""
    if connection.execute(statement("disable_category"), {"category_name": category_name}).fetchone() is None:
        raise AdminError(f"there is no category {category_name}")
    return {"category_name": category_name}


def list_categories(connection: Connection) -> Answer:
    names = ("category_name", "is_active", "description")
    rows = connection.execute(statement("list_categories")).fetchall()
    return {"categories": [dict(zip(names, row, strict=True)) for row in rows]}


def add_operator(connection: Connection, *, email: str, name: str, role: str = "viewer") -> Answer:
    """Let somebody sign in as an operator: a `viewer`, or an `admin`, who changes things."""
    if not _EMAIL.fullmatch(email) or len(email) > 255:
        raise AdminError(f"'{email}' is not an e-mail address")
    if not name.strip() or len(name) > 200:
        raise AdminError("an operator's name has 1 to 200 characters")
    if role not in {"viewer", "admin"}:
        raise AdminError("an operator is a viewer or an admin")
    connection.execute(statement("add_operator"), {"email": email, "name": name.strip(), "role": role})
    return {"email": email, "role": role}


def suspend_operator(connection: Connection, *, email: str) -> Answer:
    """End an operator's sessions, and begin no more. Raises AdminError for one that is not known."""
    if connection.execute(statement("suspend_operator"), {"email": email}).fetchone() is None:
        raise AdminError(f"there is no operator {email}")
    return {"email": email}


def list_operators(connection: Connection) -> Answer:
    names = ("email", "name", "role", "status")
    rows = connection.execute(statement("list_operators")).fetchall()
    return {"operators": [dict(zip(names, row, strict=True)) for row in rows]}


def show_upload(connection: Connection, *, upload_id: str) -> Answer:
    """How an upload stands; `upload` is None if there is none."""
    upload = ledger.upload(connection, upload_id)
    if upload is None:
        return {"upload": None}
    return {
        "upload": {
            "upload_id": upload.upload_id,
            "vendor_id": upload.vendor_id,
            "status": upload.status.value,
            "total_records": upload.total_records,
            "valid_records": upload.valid_records,
            "error_records": upload.error_records,
            "error_file_s3_key": upload.error_file_s3_key,
            "failure_reason": upload.failure_reason,
            "notified": upload.notified_at is not None,
        }
    }


def migrate(database: Database) -> Answer:
    """Bring the schema up to date; `ran` names the migrations that ran."""
    return {"ran": database.migrate()}


def undo_upload(database: Database, *, upload_id: str) -> Answer:
    """Take an upload back out of the catalog. Raises AdminError if it is not known or still under way."""
    try:
        undone = undo(database, upload_id)
    except (LookupError, NotUndoable) as error:
        raise AdminError(str(error)) from error
    return {"removed": undone.removed, "restored": undone.restored, "kept": len(undone.kept)}


def carry_out(database: Database, name: str, arguments: Mapping[str, Any]) -> Answer:
    """The answer to an action by its name. Raises AdminError if there is none, or it cannot be carried out."""
    if name in OF_THE_DATABASE:
        return OF_THE_DATABASE[name](database, **arguments)
    if name not in ACTIONS:
        raise AdminError(f"there is no action {name}")
    return database.run(lambda connection: ACTIONS[name](connection, **arguments))


ACTIONS: dict[str, Callable[..., Answer]] = {
    action.__name__: action
    for action in (
        add_vendor,
        suspend_vendor,
        list_vendors,
        add_category,
        disable_category,
        list_categories,
        add_operator,
        suspend_operator,
        list_operators,
        show_upload,
    )
}
"""By name, each in a transaction."""

OF_THE_DATABASE: dict[str, Callable[..., Answer]] = {"migrate": migrate, "undo_upload": undo_upload}
"""By name, those that open their transactions themselves."""
