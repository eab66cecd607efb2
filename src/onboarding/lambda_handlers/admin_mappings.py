"""Actions of the function `admin` for mappings and value mappings, as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from onboarding.domain.mapping_json import document_as_json, parse_document
from onboarding.domain.mappings import REMEMBERED_COLUMNS, SavedMapping, normalize_key
from onboarding.storage import mappings, uploads, value_mappings
from onboarding.storage.audit_log import Actor
from onboarding.storage.database import Connection
from onboarding.storage.errors import NotFound

Response = dict[str, Any]


def mapping_as_json(mapping: SavedMapping) -> Response:
    """Return a stored mapping as JSON."""
    return {
        "mapping_id": mapping.mapping_id,
        "version": mapping.version,
        "name": mapping.name,
        "header_fingerprint": mapping.header_fingerprint,
        "document": document_as_json(mapping.document),
    }


def save_mapping(
    connection: Connection,
    actor: Actor,
    *,
    vendor_id: str,
    document: Mapping[str, Any],
    name: str | None = None,
    headers: Sequence[str] = (),
) -> Response:
    """Store a mapping of a vendor: with a name for all files with these headers, otherwise for one upload.

    With a name, the categories of the document become value mappings of the vendor.
    """
    _require_vendor(connection, vendor_id)
    parsed_document = parse_document(document)
    if name is not None:
        for column in REMEMBERED_COLUMNS:
            targets = parsed_document.values.get(column, {})
            value_mappings.set_value_mappings(connection, actor, vendor_id, column, targets)
        parsed_document = parsed_document.without_remembered_values()
    mapping = mappings.save_mapping(connection, actor, vendor_id, parsed_document, name=name, headers=headers)
    return mapping_as_json(mapping)


def list_mappings(connection: Connection, *, vendor_id: str) -> Response:
    """List the mappings of a vendor that have a name, each with the number of its headers instead of its document."""
    _require_vendor(connection, vendor_id)
    rows = mappings.list_mappings(connection, vendor_id)
    return {
        "mappings": [
            {
                **{key: row[key] for key in ("mapping_id", "version", "name", "header_fingerprint", "created_by")},
                "updated_at": row["updated_at"].isoformat(),
                "headers": len(row["document"]["columns"]),
            }
            for row in rows
        ]
    }


def show_mapping(connection: Connection, *, vendor_id: str, mapping: str) -> Response:
    """Return a mapping of a vendor by its name, id or reference."""
    return mapping_as_json(_find_mapping(connection, vendor_id, mapping))


def delete_mapping(connection: Connection, actor: Actor, *, vendor_id: str, mapping: str) -> Response:
    """Delete a mapping of a vendor by its name or id."""
    saved = _find_mapping(connection, vendor_id, mapping)
    mappings.delete_mapping(connection, actor, vendor_id, saved.mapping_id)
    return {"mapping_id": saved.mapping_id, "name": saved.name}


def list_value_mappings(connection: Connection, *, vendor_id: str | None) -> Response:
    """List the value mappings of a vendor, or those for all vendors if it is None."""
    _require_vendor(connection, vendor_id)
    rows = value_mappings.list_value_mappings(connection, vendor_id)
    return {
        "value_mappings": [
            {
                **{key: row[key] for key in ("column", "vendor_value", "target", "is_active", "created_by")},
                "updated_at": row["updated_at"].isoformat(),
            }
            for row in rows
        ]
    }


def set_value_mappings(
    connection: Connection, actor: Actor, *, vendor_id: str | None, values: Mapping[str, Mapping[str, str]]
) -> Response:
    """Map values of a vendor, or of all vendors if it is None; `values` has the translations of each column."""
    _require_vendor(connection, vendor_id)
    for column, targets in values.items():
        value_mappings.set_value_mappings(connection, actor, vendor_id, column, targets)
    return {"values": values}


def delete_value_mapping(
    connection: Connection, actor: Actor, *, vendor_id: str | None, column: str, vendor_value: str
) -> Response:
    """Delete the mapping of a value of a vendor, or of all vendors if it is None."""
    _require_vendor(connection, vendor_id)
    key = (column, normalize_key(vendor_value))
    for row in value_mappings.list_value_mappings(connection, vendor_id):
        if (row["column"], row["value_key"]) == key:
            value_mappings.delete_value_mapping(connection, actor, vendor_id, row["value_mapping_id"])
            return {name: row[name] for name in ("column", "vendor_value", "target")}
    raise NotFound(f"The {column} '{vendor_value}' is not mapped")


def _find_mapping(connection: Connection, vendor_id: str, name_or_reference: str) -> SavedMapping:
    _require_vendor(connection, vendor_id)
    mapping = mappings.find_mapping(connection, vendor_id, name_or_reference)
    if mapping is None:
        raise NotFound(
            f"{vendor_id} has no mapping '{name_or_reference}'. See: onboarding mappings list --vendor {vendor_id}"
        )
    return mapping


def _require_vendor(connection: Connection, vendor_id: str | None) -> None:
    if vendor_id is not None and uploads.get_vendor_status(connection, vendor_id) is None:
        raise NotFound(f"The vendor '{vendor_id}' is not known. See: onboarding vendors list")
