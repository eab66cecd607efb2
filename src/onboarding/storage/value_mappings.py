"""Repository for value mappings: translations of vendors' values, for one vendor or for all."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from psycopg.rows import dict_row

from onboarding.domain.mappings import (
    REMEMBERED_COLUMNS,
    InvalidMapping,
    normalize_key,
    require_different,
    validate_value,
)
from onboarding.storage.audit_log import Actor, record_action
from onboarding.storage.categories import list_active_category_names
from onboarding.storage.database import Connection
from onboarding.storage.errors import InvalidInput, NotFound
from onboarding.storage.queries import query

MAX_VALUE_MAPPINGS = 2_000
"""Maximum number of value mappings of a vendor, and of those for all vendors: all are loaded for each file."""

MAX_KEY_LENGTH = 400
"""Maximum length of a normalized value, which may be longer than the value: `ß` becomes `ss`."""


def set_value_mappings(
    connection: Connection, actor: Actor, vendor_id: str | None, column: str, targets: Mapping[str, str]
) -> int:
    """Map values of a vendor, or of all vendors if it is None; `targets` has our value by the vendor's value.

    Return the number of earlier mappings of the same values that they replace. Raises InvalidInput, for example if a
    target is not active.
    """
    if column not in REMEMBERED_COLUMNS:
        raise InvalidInput(
            f"Values can be mapped for all files in {', '.join(REMEMBERED_COLUMNS)}, and not in '{column[:100]}'."
        )
    try:
        require_different("value", targets)
        for vendor_value, target in targets.items():
            validate_value(column, vendor_value, target)
    except InvalidMapping as error:
        raise InvalidInput(f"{error}.") from error
    entries: dict[str, tuple[str, str]] = {}
    for vendor_value, target in targets.items():
        key = normalize_key(vendor_value)
        if len(key) > MAX_KEY_LENGTH:
            raise InvalidInput(f"'{vendor_value}' is too long.")
        entries[key] = (vendor_value.strip(), target)
    if not entries:
        return 0
    if vendor_id is None:
        _require_no_names(connection, entries)
    inactive = connection.execute(
        query("list_inactive_targets"), {"targets": [target for _, target in entries.values()]}
    ).fetchall()
    if inactive:
        raise InvalidInput(f"'{inactive[0][0]}' is not an active {column}.")
    connection.execute(query("lock_mappings_of_vendor"), {"vendor_id": vendor_id})
    params = {
        "vendor_id": vendor_id,
        "column_name": column,
        "keys": list(entries),
        "values": [vendor_value for vendor_value, _ in entries.values()],
        "targets": [target for _, target in entries.values()],
        "created_by": actor.name,
    }
    rows = connection.execute(query("upsert_value_mappings"), params).fetchall()
    [(count,)] = connection.execute(query("count_value_mappings"), {"vendor_id": vendor_id}).fetchall()
    if count > MAX_VALUE_MAPPINGS:
        raise InvalidInput(f"There can be at most {MAX_VALUE_MAPPINGS:,} mapped values. Delete some that are not used.")
    for vendor_value, target in entries.values():
        record_action(
            connection, actor, "value_mapped", f"{column}: {vendor_value}", vendor_id=vendor_id, target=target
        )
    return sum(1 for (is_replaced,) in rows if is_replaced)


def _require_no_names(connection: Connection, keys: Collection[str]) -> None:
    """Raise InvalidInput if one of the normalized values is the name of an active category, which would always win."""
    for name in list_active_category_names(connection):
        if normalize_key(name) in keys:
            raise InvalidInput(f"'{name}' is an active category, so it cannot be an alias of another one.")


def delete_value_mapping(connection: Connection, actor: Actor, vendor_id: str | None, value_mapping_id: int) -> None:
    """Delete a value mapping of a vendor, or one for all vendors if it is None. Raises NotFound."""
    params = {"vendor_id": vendor_id, "value_mapping_id": value_mapping_id}
    row = connection.execute(query("delete_value_mapping"), params).fetchone()
    if row is None:
        raise NotFound(f"There is no value mapping {value_mapping_id}")
    column, vendor_value, target = row
    record_action(
        connection, actor, "value_mapping_deleted", f"{column}: {vendor_value}", vendor_id=vendor_id, target=target
    )


def list_value_mappings(
    connection: Connection,
    vendor_id: str | None,
    *,
    after: tuple[str, str] | None = None,
    limit: int = MAX_VALUE_MAPPINGS,
) -> list[dict[str, Any]]:
    """List value mappings of a vendor, or those for all vendors if it is None, by column and value.

    `after` is the column and the `value_key` of the last one of the previous page. `is_active` is whether the target is
    an active category.
    """
    after_column, after_key = after or (None, None)
    params = {"vendor_id": vendor_id, "after_column": after_column, "after": after_key, "limit": limit}
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query("list_value_mappings"), params).fetchall()


def load_value_mappings(connection: Connection, vendor_id: str) -> dict[str, dict[str, str]]:
    """Return our value by the normalized value of the vendor, for each column.

    The vendor's own value mappings win over those for all vendors, which do not apply to names of active categories.
    """
    rows = connection.execute(query("load_value_mappings"), {"vendor_id": vendor_id}).fetchall()
    has_shared = any(is_shared for is_shared, *_ in rows)
    names = {normalize_key(name) for name in list_active_category_names(connection)} if has_shared else set()
    targets: dict[str, dict[str, str]] = {}
    for is_shared, column, key, target in rows:
        if not (is_shared and key in names):
            targets.setdefault(column, {})[key] = target
    return targets
