"""Lists and forms of saved mappings and value mappings, shared by the pages of vendors and operators.

Those of vendor None are presets and category aliases, which operators publish for all vendors.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from onboarding.domain.mappings import VALUE_COLUMNS, InvalidMapping, SavedMapping
from onboarding.storage import mappings, value_mappings
from onboarding.storage.database import Connection
from onboarding.storage.errors import AlreadyExists, InvalidInput
from onboarding.web.auth import Principal
from onboarding.web.database import DatabasePool
from onboarding.web.portal.mapping_forms import MappingForm, build_mapping_form, parse_mapping_form

[VALUE_COLUMN] = VALUE_COLUMNS
"""The only column with a closed list. With a second one, the forms of value mappings would need a field for it."""

VALUES_PER_PAGE = 100

CHANGED_MEANWHILE = "The mapping was changed in the meantime. This is the current version: change it again."


def list_mapping_items(connection: Connection, vendor_id: str | None) -> list[dict[str, Any]]:
    """List the mappings of a vendor, or the published presets, each with its headers, by name."""
    rows = mappings.list_mappings(connection, vendor_id)
    return [{**row, "headers": list(row["document"]["columns"])} for row in rows]


def load_mapping(principal: Principal, pool: DatabasePool, vendor_id: str | None, mapping_id: str) -> SavedMapping:
    """Return a mapping of a vendor, or a published preset. Raises NotFound."""
    return principal.run_for_vendor(pool, vendor_id, lambda c: mappings.get_mapping(c, vendor_id, mapping_id))


def save_mapping_form(
    principal: Principal, pool: DatabasePool, vendor_id: str | None, mapping: SavedMapping, fields: Mapping[str, str]
) -> MappingForm | None:
    """Save the name and a new version of the document; return None, or the form with what is wrong."""
    if fields.get("version") != str(mapping.version):
        return build_mapping_form(mapping, error=CHANGED_MEANWHILE)
    try:
        document = parse_mapping_form(fields, mapping.document)
        principal.run_for_vendor(
            pool,
            vendor_id,
            lambda c: mappings.update_mapping(
                c,
                principal.audit_actor,
                vendor_id,
                mapping.mapping_id,
                name=fields.get("name", ""),
                document=document,
            ),
        )
    except InvalidMapping as error:
        return build_mapping_form(mapping, fields, error=sentence(error))
    except (AlreadyExists, InvalidInput) as error:
        return build_mapping_form(mapping, fields, name_error=sentence(error))
    return None


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
