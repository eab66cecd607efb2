"""What an operator does with the database: migrations, vendors, categories, operators, and what `admin_reads` reads.

Each action is a name and JSON arguments, and answers JSON: where the database cannot be reached from outside, as on
AWS, the function `admin` carries it out inside.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from onboarding import admin_reads, ledger
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
    _check_person("vendor", vendor_name, email)
    if phone is not None and len(phone) > 20:
        raise AdminError("a telephone number has up to 20 characters")
    parameters = {"vendor_id": vendor_id, "vendor_name": vendor_name.strip(), "email": email, "phone": phone}
    connection.execute(statement("add_vendor"), parameters)
    return {"vendor_id": vendor_id}


def _check_person(what: str, name: str, email: str) -> None:
    if not _EMAIL.fullmatch(email) or len(email) > 255:
        raise AdminError(f"'{email}' is not an e-mail address")
    if not name.strip() or len(name) > 200:
        raise AdminError(f"the {what}'s name has 1 to 200 characters")


def suspend_vendor(connection: Connection, *, vendor_id: str) -> Answer:
    """Refuse a vendor's files from now on. Raises AdminError for one that is not known."""
    return _change(connection, "suspend_vendor", f"vendor {vendor_id}", vendor_id=vendor_id)


def list_vendors(connection: Connection) -> Answer:
    return _list(connection, "vendors", "vendor_id", "vendor_name", "email", "status", "uploads")


def add_category(connection: Connection, *, category_name: str, description: str | None = None) -> Answer:
    """Add a category, or make a disabled one active again."""
    name = category_name.strip()
    if not name or len(name) > 100:
        raise AdminError("a category's name has 1 to 100 characters")
    connection.execute(statement("add_category"), {"category_name": name, "description": description})
    return {"category_name": name}


def disable_category(connection: Connection, *, category_name: str) -> Answer:
    """Take a category off the list that rows are held against. Raises AdminError for one that is not known."""
    return _change(connection, "disable_category", f"category {category_name}", category_name=category_name)


def list_categories(connection: Connection) -> Answer:
    return _list(connection, "categories", "category_name", "is_active", "description")


def add_operator(connection: Connection, *, email: str, name: str, role: str = "viewer") -> Answer:
    """Let somebody sign in as an operator: a `viewer`, or an `admin`, who changes things."""
    _check_person("operator", name, email)
    if role not in {"viewer", "admin"}:
        raise AdminError("an operator is a viewer or an admin")
    connection.execute(statement("add_operator"), {"email": email, "name": name.strip(), "role": role})
    return {"email": email, "role": role}


def suspend_operator(connection: Connection, *, email: str) -> Answer:
    """End an operator's sessions, and begin no more. Raises AdminError for one that is not known."""
    return _change(connection, "suspend_operator", f"operator {email}", email=email)


def list_operators(connection: Connection) -> Answer:
    return _list(connection, "operators", "email", "name", "role", "status")


def _change(connection: Connection, name: str, what: str, **parameters: str) -> Answer:
    """Run the statement `name`, which returns a row for what there is."""
    if connection.execute(statement(name), parameters).fetchone() is None:
        raise AdminError(f"there is no {what}")
    return dict(parameters)


def _list(connection: Connection, what: str, *columns: str) -> Answer:
    """All that the statement `list_<what>` finds."""
    rows = connection.execute(statement(f"list_{what}")).fetchall()
    return {what: [dict(zip(columns, row, strict=True)) for row in rows]}


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
    return {
        "undone_at": undone.undone_at.isoformat(),
        "removed": undone.removed,
        "restored": undone.restored,
        "kept": [asdict(kept) for kept in undone.kept],
    }


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
        admin_reads.list_uploads,
        admin_reads.describe_upload,
        admin_reads.look_at_objects,
        admin_reads.vendor_status,
        admin_reads.active_categories,
    )
}
"""By name, each in a transaction."""

OF_THE_DATABASE: dict[str, Callable[..., Answer]] = {
    action.__name__: action for action in (migrate, undo_upload, admin_reads.dry_run_file)
}
"""By name, those that open their transactions themselves."""
