"""Repository for API keys, with the rules for their fields."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Literal, get_args

from psycopg.errors import UniqueViolation
from psycopg.rows import dict_row

from onboarding.storage.audit_log import Actor, record_action
from onboarding.storage.database import Connection
from onboarding.storage.errors import AlreadyExists, InvalidInput, NotFound
from onboarding.storage.input_validation import validate_text
from onboarding.storage.queries import query

NAME_LENGTH = 100
MAX_DAYS = 365

Scope = Literal["uploads:read", "uploads:write", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
"""Permissions of a vendor's key. `admin` is for the account itself: API keys and the webhook. A signed-in vendor has
all."""

CatalogScope = Literal["catalog:read"]
CATALOG: CatalogScope = "catalog:read"
"""The permission of a key of the marketplace, which belongs to no vendor: to read the catalog of all vendors."""


def add_api_key(
    connection: Connection,
    actor: Actor,
    *,
    key_id: str,
    vendor_id: str | None,
    name: str,
    key_hash: bytes,
    scopes: Collection[str],
    days: int,
) -> dict[str, Any]:
    """Add a key that is valid for `days` days; return its columns as `list_api_keys` does.

    Without a vendor it is a key of the marketplace. Raises AlreadyExists for a `key_id` in use, InvalidInput.
    """
    known_scopes = SCOPES if vendor_id is not None else (CATALOG,)
    if not scopes or not set(known_scopes).issuperset(scopes):
        raise InvalidInput(f"A key has one or more of the scopes {', '.join(known_scopes)}")
    if not 1 <= days <= MAX_DAYS:
        raise InvalidInput(f"A key is valid for 1 to {MAX_DAYS} days")
    params = {
        "key_id": key_id,
        "vendor_id": vendor_id,
        "name": validate_text("A key's name", name, NAME_LENGTH),
        "key": key_hash,
        "scopes": sorted(set(scopes)),
        "created_by": actor.name,
        "days": days,
    }
    try:
        [row] = connection.cursor(row_factory=dict_row).execute(query("insert_api_key"), params).fetchall()
    except UniqueViolation as error:
        raise AlreadyExists(f"API key {key_id} already exists.") from error
    record_action(connection, actor, "key_created", key_id, vendor_id=vendor_id, name=row["name"], scopes=row["scopes"])
    return row


def revoke_api_key(connection: Connection, actor: Actor, *, vendor_id: str | None, key_id: str) -> None:
    """Revoke a key of a vendor or the marketplace permanently. A second revocation changes nothing. Raises NotFound."""
    if connection.execute(query("revoke_api_key"), {"key_id": key_id, "vendor_id": vendor_id}).rowcount == 0:
        raise NotFound(f"There is no key {key_id}")
    record_action(connection, actor, "key_revoked", key_id, vendor_id=vendor_id)


def list_api_keys(connection: Connection, vendor_id: str | None) -> list[dict[str, Any]]:
    """List the keys of a vendor or of the marketplace, newest first, including revoked and expired ones."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query("list_api_keys"), {"vendor_id": vendor_id}).fetchall()


def get_key_names(connection: Connection, key_ids: Collection[str]) -> dict[str, str]:
    """Return the names of these keys, by id."""
    return dict(connection.execute(query("get_key_names"), {"key_ids": list(key_ids)}).fetchall())
