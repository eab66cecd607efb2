"""What an operator does with the database: migrations, vendors, categories, operators, and what `admin_queries` reads.

Each action is a name and JSON arguments, and answers JSON: where the database cannot be reached from outside, as on
AWS, the function `admin` carries it out inside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, cast, get_args

from onboarding.domain.email_address import valid_address
from onboarding.lambda_handlers import admin_queries, undo
from onboarding.pipeline.undo import NotUndoable
from onboarding.storage import administration, uploads
from onboarding.storage.administration import AlreadyExists, InvalidInput, NotFound
from onboarding.storage.audit_log import Actor, record_action
from onboarding.storage.database import Connection, Database
from onboarding.storage.migrate import migrate as run_migrations
from onboarding.storage.queries import query

SMOKE_VENDOR = "SMOKE"
"""The vendor of the smoke test: what it uploads is undone, and stays in the history."""

COMMAND = Actor("command")
"""An operator with AWS credentials, or at the machine of the local stack; CloudTrail says who called on AWS."""

Answer = dict[str, Any]


class AdminError(Exception):
    """An action cannot be carried out as asked; the message says why."""


def add_vendor(
    connection: Connection, actor: Actor, *, vendor_id: str, vendor_name: str, email: str, phone: str | None = None
) -> Answer:
    """Add a vendor. The same one again changes nothing; `status` says whether it is active."""
    try:
        administration.add_vendor(
            connection, actor, vendor_id=vendor_id, vendor_name=vendor_name, email=email, phone=phone
        )
    except AlreadyExists as error:
        row = connection.execute(query("lock_vendor"), {"vendor_id": vendor_id}).fetchone()
        assert row is not None, "vendors are never deleted"  # noqa: S101
        name, address, number, status = row
        if (vendor_name.strip(), valid_address(email), phone) != (name, address, number):
            raise AdminError(f"{error} To change it: onboarding vendors change {vendor_id}") from error
        return {"vendor_id": vendor_id, "status": status}
    return {"vendor_id": vendor_id, "status": "active"}


def change_vendor(connection: Connection, actor: Actor, *, vendor_id: str, **changes: Any) -> Answer:
    """Change a vendor's name, address, telephone number or status; a new address signs it out everywhere."""
    administration.change_vendor(connection, actor, vendor_id, **changes)
    return {"vendor_id": vendor_id}


def list_vendors(connection: Connection) -> Answer:
    return _list(connection, "vendors", "vendor_id", "vendor_name", "email", "status", "uploads")


def add_category(connection: Connection, actor: Actor, *, category_name: str, description: str | None = None) -> Answer:
    """Add a category."""
    try:
        administration.add_category(connection, actor, category_name, description)
    except AlreadyExists as error:
        raise AdminError(f"{error} A disabled one is made active by: onboarding categories enable") from error
    return {"category_name": category_name}


def enable_category(connection: Connection, actor: Actor, *, category_name: str) -> Answer:
    """Put a disabled category back on the list."""
    administration.change_category(connection, actor, category_name, is_active=True)
    return {"category_name": category_name}


def disable_category(connection: Connection, actor: Actor, *, category_name: str) -> Answer:
    """Take a category off the list of those that new rows may have."""
    administration.change_category(connection, actor, category_name, is_active=False)
    return {"category_name": category_name}


def list_categories(connection: Connection) -> Answer:
    return _list(connection, "categories", "category_name", "is_active", "description")


def add_operator(connection: Connection, actor: Actor, *, email: str, name: str, role: str = "viewer") -> Answer:
    """Let somebody sign in as an operator: a `viewer`, or an `admin`, who changes things."""
    try:
        administration.add_operator(connection, actor, email, name, _role(role))
    except AlreadyExists as error:
        raise AdminError(f"{error} To change it: onboarding operators change {email}") from error
    return {"email": email, "role": role}


def change_operator(connection: Connection, actor: Actor, *, email: str, **changes: Any) -> Answer:
    """Change an operator's name, role or status; to suspend one ends its sessions."""
    if changes.get("role") is not None:
        _role(changes["role"])
    administration.change_operator(connection, actor, email, **changes)
    return {"email": email}


def _role(role: str) -> administration.Role:
    if role not in get_args(administration.Role):
        raise InvalidInput("an operator is a viewer or an admin")
    return cast("administration.Role", role)


def list_operators(connection: Connection) -> Answer:
    return _list(connection, "operators", "email", "name", "role", "status")


def _list(connection: Connection, what: str, *columns: str) -> Answer:
    """All that the statement `list_<what>` finds."""
    rows = connection.execute(query(f"list_{what}")).fetchall()
    return {what: [dict(zip(columns, row, strict=True)) for row in rows]}


def show_upload(connection: Connection, *, upload_id: str) -> Answer:
    """How an upload stands; `upload` is None if there is none."""
    upload = uploads.get_upload(connection, upload_id)
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


def migrate(database: Database, _: Actor) -> Answer:
    """Bring the schema up to date; `ran` names the migrations that ran."""
    return {"ran": run_migrations(database.connection())}


def undo_upload(database: Database, actor: Actor, *, upload_id: str) -> Answer:
    """Take an upload back out of the catalog. Raises AdminError if it is not known or still under way."""
    try:
        undone = undo.undo_upload(database, upload_id)
    except (LookupError, NotUndoable) as error:
        raise AdminError(str(error)) from error

    def record(connection: Connection) -> None:
        upload = uploads.get_upload(connection, upload_id)
        assert upload is not None, "it was undone"  # noqa: S101
        record_action(connection, actor, "upload_undone", upload_id, vendor_id=upload.vendor_id)

    database.run(record)
    return {
        "undone_at": undone.undone_at.isoformat(),
        "removed": undone.removed,
        "restored": undone.restored,
        "skipped": [asdict(kept) for kept in undone.kept],
    }


def carry_out(database: Database, name: str, arguments: Mapping[str, Any], actor: Actor = COMMAND) -> Answer:
    """The answer to an action by its name. Raises AdminError if there is none, or it cannot be carried out."""
    try:
        if name in OF_THE_DATABASE:
            return OF_THE_DATABASE[name](database, actor, **arguments)
        if name in CHANGES:
            return database.run(lambda connection: CHANGES[name](connection, actor, **arguments))
        if name in ACTIONS:
            return database.run(lambda connection: ACTIONS[name](connection, **arguments))
    except (InvalidInput, NotFound) as error:
        raise AdminError(str(error)) from error
    raise AdminError(f"there is no action {name}")


CHANGES: dict[str, Callable[..., Answer]] = {
    action.__name__: action
    for action in (
        add_vendor,
        change_vendor,
        add_category,
        enable_category,
        disable_category,
        add_operator,
        change_operator,
    )
}
"""By name, each in a transaction with its entry in the audit log."""

ACTIONS: dict[str, Callable[..., Answer]] = {
    action.__name__: action
    for action in (
        list_vendors,
        list_categories,
        list_operators,
        show_upload,
        admin_queries.list_uploads,
        admin_queries.describe_upload,
        admin_queries.look_at_objects,
        admin_queries.vendor_status,
        admin_queries.active_categories,
    )
}
"""By name, those that only read, each in a transaction."""

OF_THE_DATABASE: dict[str, Callable[..., Answer]] = {
    action.__name__: action for action in (migrate, undo_upload, admin_queries.dry_run_file)
}
"""By name, those that open their transactions themselves."""
