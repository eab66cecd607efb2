"""Repository for product categories, with the rules for their fields."""

from __future__ import annotations

from typing import Any

from psycopg.rows import dict_row

from onboarding.storage.audit_log import Actor, record_action
from onboarding.storage.database import Connection
from onboarding.storage.errors import AlreadyExists, NotFound
from onboarding.storage.input_validation import validate_text
from onboarding.storage.queries import query

NAME_LENGTH = 100
DESCRIPTION_LENGTH = 1000


def add_category(connection: Connection, actor: Actor, category_name: str, description: str | None = None) -> int:
    """Add an active category and return its id. Raises AlreadyExists, InvalidInput."""
    name = validate_text("A category's name", category_name, NAME_LENGTH)
    params = {"category_name": name, "description": _validate_description(description)}
    row = connection.execute(query("insert_category"), params).fetchone()
    if row is None:
        raise AlreadyExists(f"Category {name} already exists.")
    record_action(connection, actor, "category_created", name)
    return int(row[0])


def update_category(
    connection: Connection,
    actor: Actor,
    category: int | str,
    *,
    description: str | None = None,
    is_active: bool | None = None,
) -> None:
    """Update the fields that are not None of a category, given by its id or its name.

    Existing products keep a category that becomes inactive. Raises NotFound, InvalidInput.
    """
    by_id = isinstance(category, int)
    key = {"category_id": category if by_id else None, "category_name": None if by_id else category}
    row = connection.execute(query("lock_category"), key).fetchone()
    if row is None:
        raise NotFound(f"There is no category {category}")
    changes = {"description": _validate_description(description), "is_active": is_active}
    category_id, category_name = row
    connection.execute(query("update_category"), {"category_id": category_id, **changes})
    changed: dict[str, Any] = {name: value for name, value in changes.items() if value is not None}
    record_action(connection, actor, "category_updated", category_name, **changed)


def list_categories(connection: Connection) -> list[dict[str, Any]]:
    """List all categories, by name."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query("list_categories")).fetchall()


def list_active_category_names(connection: Connection) -> list[str]:
    """List the names of the active categories."""
    return [name for (name,) in connection.execute(query("list_active_categories"))]


def _validate_description(description: str | None) -> str | None:
    if description is None:
        return None
    return validate_text("A description", description, DESCRIPTION_LENGTH, min_length=0)
