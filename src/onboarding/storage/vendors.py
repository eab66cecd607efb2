"""Repository for vendors: the rules for their fields, changes, and signing them out."""

from __future__ import annotations

import re
from typing import Any, Literal, get_args

from onboarding.storage.audit_log import Actor, record_action
from onboarding.storage.database import Connection
from onboarding.storage.errors import AlreadyExists, InvalidInput, NotFound
from onboarding.storage.input_rules import validate_email, validate_text
from onboarding.storage.queries import query

VENDOR_ID = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,49}$"
"""A vendor's id is a segment of S3 keys and the tag of an AWS identity."""

NAME_LENGTH = 200
PHONE_LENGTH = 20

VendorStatus = Literal["active", "suspended"]


def add_vendor(
    connection: Connection, actor: Actor, *, vendor_id: str, vendor_name: str, email: str, phone: str | None = None
) -> None:
    """Add a vendor, who may sign in and upload from now on. Raises AlreadyExists, InvalidInput."""
    if not re.fullmatch(VENDOR_ID, vendor_id):
        raise InvalidInput(f"'{vendor_id}' cannot be a vendor's id: up to 50 letters, digits, '-' and '_'")
    fields = _validate(vendor_name, email, phone)
    if connection.execute(query("insert_vendor"), {"vendor_id": vendor_id, **fields}).rowcount == 0:
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
    status: VendorStatus | None = None,
) -> None:
    """Change the fields that are not None. A new e-mail address ends the sessions and links of the old one.

    Raises NotFound, InvalidInput.
    """
    if status is not None and status not in get_args(VendorStatus):
        raise InvalidInput("a vendor is active or suspended")
    before = _lock(connection, vendor_id)
    changes = {**_validate(vendor_name, email, phone), "status": status}
    connection.execute(query("update_vendor"), {"vendor_id": vendor_id, **changes})
    if changes["email"] not in {None, before["email"]}:
        end_vendor_sessions(connection, vendor_id)
    changed = {name: value for name, value in changes.items() if value is not None}
    record_action(connection, actor, "vendor_changed", vendor_id, vendor_id=vendor_id, **changed)


def get_status_of_same_vendor(
    connection: Connection, *, vendor_id: str, vendor_name: str, email: str, phone: str | None = None
) -> str | None:
    """Return the status of an existing vendor, or None if its fields differ from these. Raises NotFound."""
    vendor = _lock(connection, vendor_id)
    status = str(vendor.pop("status"))
    return status if vendor == _validate(vendor_name, email, phone) else None


def list_vendors(connection: Connection) -> list[dict[str, Any]]:
    """Return all vendors with the number of their uploads, by id."""
    columns = ("vendor_id", "vendor_name", "email", "status", "uploads")
    return [dict(zip(columns, row, strict=True)) for row in connection.execute(query("list_vendors"))]


def require_vendor(connection: Connection, vendor_id: str) -> None:
    """Raise NotFound unless the vendor exists."""
    if connection.execute(query("get_vendor_status"), {"vendor_id": vendor_id}).fetchone() is None:
        raise _not_found(vendor_id)


def sign_out_vendor(connection: Connection, actor: Actor, vendor_id: str) -> None:
    """Sign a vendor out everywhere, at its own or an operator's request. Its API keys stay valid. Raises NotFound."""
    require_vendor(connection, vendor_id)
    end_vendor_sessions(connection, vendor_id)
    record_action(connection, actor, "signed_out_everywhere", vendor_id, vendor_id=vendor_id)


def end_vendor_sessions(connection: Connection, vendor_id: str) -> None:
    """End a vendor's sessions and invalidate its unused sign-in links."""
    # Links first: this waits for a use at the same moment, whose session is then ended too.
    connection.execute(query("expire_vendor_sign_in_links"), {"vendor_id": vendor_id})
    connection.execute(query("end_vendor_sessions"), {"vendor_id": vendor_id})


def _lock(connection: Connection, vendor_id: str) -> dict[str, Any]:
    row = connection.execute(query("lock_vendor"), {"vendor_id": vendor_id}).fetchone()
    if row is None:
        raise _not_found(vendor_id)
    return dict(zip(("vendor_name", "email", "phone", "status"), row, strict=True))


def _not_found(vendor_id: str) -> NotFound:
    return NotFound(f"there is no vendor {vendor_id}")


def _validate(vendor_name: str | None, email: str | None, phone: str | None) -> dict[str, str | None]:
    """Return the columns for these fields; None stays None."""
    return {
        "vendor_name": None if vendor_name is None else validate_text("the vendor's name", vendor_name, NAME_LENGTH),
        "email": None if email is None else validate_email(email),
        "phone": None if phone is None else validate_text("a telephone number", phone, PHONE_LENGTH, min_length=0),
    }
