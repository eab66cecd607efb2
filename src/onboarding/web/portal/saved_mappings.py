"""Lists and forms of saved mappings and value mappings, shared by the pages of vendors and operators.

Those of vendor None are presets and category aliases, which operators publish for all vendors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from onboarding.domain.mappings import REMEMBERED_COLUMNS, InvalidMapping, MappingDocument, SavedMapping
from onboarding.storage import mappings, value_mappings
from onboarding.storage.database import Connection
from onboarding.storage.errors import AlreadyExists, InvalidInput
from onboarding.storage.queries import query
from onboarding.web.auth import Principal
from onboarding.web.database import DatabasePool
from onboarding.web.portal.mapping_forms import MappingForm, build_mapping_form, parse_mapping_form

[VALUE_COLUMN] = REMEMBERED_COLUMNS
"""The only column of value mappings. With a second one, their forms would need a field for it."""

VALUES_PER_PAGE = 100

CHANGED_MEANWHILE = "The mapping was changed in the meantime. This is the current version: change it again."


class ChangedMeanwhile(Exception):
    """Another request has stored a new version of a mapping; `mapping` is that version."""

    def __init__(self, mapping: SavedMapping) -> None:
        super().__init__(CHANGED_MEANWHILE)
        self.mapping = mapping


def list_mapping_items(connection: Connection, vendor_id: str | None) -> list[dict[str, Any]]:
    """List the mappings of a vendor, or the published presets, each with its headers, by name."""
    rows = mappings.list_mappings(connection, vendor_id)
    return [{**row, "headers": list(row["document"]["columns"])} for row in rows]


def load_mapping(principal: Principal, pool: DatabasePool, vendor_id: str | None, mapping_id: str) -> SavedMapping:
    """Return a mapping of a vendor, or a published preset. Raises NotFound."""
    return principal.run_for_vendor(pool, vendor_id, lambda c: mappings.get_mapping(c, vendor_id, mapping_id))


def save_mapping_form(
    principal: Principal, pool: DatabasePool, vendor_id: str | None, mapping_id: str, fields: Mapping[str, str]
) -> MappingForm | None:
    """Save the name and a new version of the document; return None, or the form with what is wrong. Raises NotFound."""
    mapping = load_mapping(principal, pool, vendor_id, mapping_id)
    try:
        update_unchanged_mapping(
            principal,
            pool,
            vendor_id,
            mapping_id,
            version=fields.get("version", ""),
            document=lambda current: parse_mapping_form(fields, current),
            name=fields.get("name", ""),
        )
    except ChangedMeanwhile as error:
        return build_mapping_form(error.mapping, error=CHANGED_MEANWHILE)
    except InvalidMapping as error:
        return build_mapping_form(mapping, fields, error=sentence(error))
    except (AlreadyExists, InvalidInput) as error:
        return build_mapping_form(mapping, fields, name_error=sentence(error))
    return None


def update_unchanged_mapping(
    principal: Principal,
    pool: DatabasePool,
    vendor_id: str | None,
    mapping_id: str,
    *,
    version: str,
    document: Callable[[MappingDocument], MappingDocument],
    name: str | None = None,
) -> None:
    """Store what `document` makes of the current document, unless another request has stored a version after `version`.

    Raises ChangedMeanwhile, NotFound, InvalidMapping, AlreadyExists, InvalidInput.
    """
    actor = principal.audit_actor

    def work(connection: Connection) -> None:
        # Until the transaction ends, no other request stores a version.
        connection.execute(query("lock_mappings_of_vendor"), {"vendor_id": vendor_id})
        current = mappings.get_mapping(connection, vendor_id, mapping_id)
        if version != str(current.version):
            raise ChangedMeanwhile(current)
        mappings.update_mapping(
            connection, actor, vendor_id, mapping_id, name=name, document=document(current.document)
        )

    principal.run_for_vendor(pool, vendor_id, work)


def set_value(
    principal: Principal, pool: DatabasePool, vendor_id: str | None, vendor_value: str, target: str
) -> tuple[dict[str, str], bool]:
    """Store a value mapping of a vendor, or a category alias.

    Return the messages for invalid fields, and whether it replaced a mapping of the same value.
    """
    field_errors = {} if vendor_value.strip() else {"vendor_value": "Enter a value."}
    field_errors |= {} if target else {"target": "Choose a category."}
    if field_errors:
        return field_errors, False
    actor = principal.audit_actor
    try:
        replaced = principal.run_for_vendor(
            pool,
            vendor_id,
            lambda c: value_mappings.set_value_mappings(c, actor, vendor_id, VALUE_COLUMN, {vendor_value: target}),
        )
    except InvalidInput as error:
        return {"vendor_value": sentence(error)}, False
    return {}, replaced > 0


def sentence(error: Exception) -> str:
    """Return the message of an exception as a sentence."""
    return f"{str(error).removesuffix('.')}."
