"""Repository for vendors, with the rules for their fields, and the end of their sessions."""

from __future__ import annotations

import re
from typing import Any, Literal, get_args

from psycopg.rows import dict_row

from onboarding.storage.audit_log import Actor, record_action
from onboarding.storage.database import Connection
from onboarding.storage.errors import AlreadyExists, InvalidInput, NotFound
from onboarding.storage.input_validation import validate_email, validate_text
from onboarding.storage.queries import query

VENDOR_ID = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,49}$"
"""A vendor id is a segment of S3 keys and a tag of AWS identities, so its characters are restricted."""

NAME_LENGTH = 200
PHONE_LENGTH = 20

VendorStatus = Literal["active", "suspended"]


def add_vendor(
    connection: Connection, actor: Actor, *, vendor_id: str, vendor_name: str, email: str, phone: str | None = None
) -> None:
    """Add an active vendor, who can sign in by e-mail and upload files. Raises AlreadyExists, InvalidInput."""
    if not re.fullmatch(VENDOR_ID, vendor_id):
        raise InvalidInput(f"'{vendor_id}' cannot be a vendor's id: up to 50 letters, digits, '-' and '_'")
    fields = _validate_fields(vendor_name, email, phone)
    if connection.execute(query("insert_vendor"), {"vendor_id": vendor_id, **fields}).rowcount == 0:
        raise AlreadyExists(f"Vendor {vendor_id} already exists.")
    record_action(connection, actor, "vendor_created", vendor_id, vendor_id=vendor_id)


def update_vendor(
    connection: Connection,
    actor: Actor,
    vendor_id: str,
    *,
    vendor_name: str | None = None,
    email: str | None = None,
    phone: str | None = None,
    status: VendorStatus | None = None,
) -> None:
    """Update the fields that are not None. A new e-mail address ends the vendor's sessions and sign-in links.

    Raises NotFound, InvalidInput.
    """
    if status is not None and status not in get_args(VendorStatus):
        raise InvalidInput("A vendor is active or suspended")
    vendor = _lock_vendor(connection, vendor_id)
    changes = {**_validate_fields(vendor_name, email, phone), "status": status}
    connection.execute(query("update_vendor"), {"vendor_id": vendor_id, **changes})
    if changes["email"] not in {None, vendor["email"]}:
        end_vendor_sessions(connection, vendor_id)
    changed = {name: value for name, value in changes.items() if value is not None}
    record_action(connection, actor, "vendor_updated", vendor_id, vendor_id=vendor_id, **changed)


def get_status_of_same_vendor(
    connection: Connection, *, vendor_id: str, vendor_name: str, email: str, phone: str | None = None
) -> str | None:
    """Return the status of a vendor if its other fields equal these, otherwise None. Raises NotFound."""
    vendor = _lock_vendor(connection, vendor_id)
    status = str(vendor.pop("status"))
    return status if vendor == _validate_fields(vendor_name, email, phone) else None


def list_vendors(connection: Connection) -> list[dict[str, Any]]:
    """List all vendors with their numbers of uploads, by id."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query("list_vendors")).fetchall()


def require_vendor(connection: Connection, vendor_id: str) -> None:
    """Raise NotFound unless the vendor exists."""
    if connection.execute(query("get_vendor_status"), {"vendor_id": vendor_id}).fetchone() is None:
        raise _not_found(vendor_id)


def sign_out_vendor(connection: Connection, actor: Actor, vendor_id: str) -> None:
    """End all sessions of a vendor, at its own or an operator's request. Its API keys stay valid. Raises NotFound."""
    require_vendor(connection, vendor_id)
    end_vendor_sessions(connection, vendor_id)
    record_action(connection, actor, "signed_out_everywhere", vendor_id, vendor_id=vendor_id)


def end_vendor_sessions(connection: Connection, vendor_id: str) -> None:
    """End a vendor's sessions and invalidate its unused sign-in links."""
    # Links first: this waits for a concurrent use of a link, whose session then ends too.
    connection.execute(query("expire_vendor_sign_in_links"), {"vendor_id": vendor_id})
    connection.execute(query("end_vendor_sessions"), {"vendor_id": vendor_id})


def _lock_vendor(connection: Connection, vendor_id: str) -> dict[str, Any]:
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(query("lock_vendor"), {"vendor_id": vendor_id}).fetchone()
    if row is None:
        raise _not_found(vendor_id)
    return row


def _not_found(vendor_id: str) -> NotFound:
    return NotFound(f"There is no vendor {vendor_id}")


def _validate_fields(vendor_name: str | None, email: str | None, phone: str | None) -> dict[str, str | None]:
    """Return the columns of these fields; None stays None. Raises InvalidInput."""
    return {
        "vendor_name": None if vendor_name is None else validate_text("The vendor's name", vendor_name, NAME_LENGTH),
        "email": None if email is None else validate_email(email),
        "phone": None if phone is None else validate_text("A telephone number", phone, PHONE_LENGTH, min_length=0),
    }
