"""Repository for mappings: those of each vendor with their versions, and the presets of the marketplace."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg.rows import dict_row

from onboarding.domain.json_objects import from_json
from onboarding.domain.mapping_json import document_as_json, parse_document
from onboarding.domain.mappings import NO_MAPPING, MappingDocument, SavedMapping, UsedValue, compute_fingerprint
from onboarding.files.presets import list_presets
from onboarding.storage.audit_log import Actor, record_action
from onboarding.storage.database import Connection
from onboarding.storage.errors import AlreadyExists, InvalidInput, NotFound
from onboarding.storage.input_validation import validate_text
from onboarding.storage.queries import query

NAME_LENGTH = 100
MAX_DAILY_MAPPINGS = 1_000
"""Maximum number of mappings without a name that a vendor can store in 24 hours."""

MAX_MAPPINGS = 100
"""Maximum number of mappings of a vendor, and of presets: all are loaded for each file."""


@dataclass(frozen=True, slots=True)
class AppliedMapping:
    """The mapping that an upload used (None: none), its value mappings, and the columns that its file lacked.

    `missing_columns` maps each required column of a rejected file without it to the most similar header, which may be
    blank.
    """

    mapping: SavedMapping | None
    used_values: Sequence[UsedValue]
    missing_columns: Mapping[str, str]

    @property
    def sentences(self) -> list[str]:
        """Return the effect of the mappings in sentences; none if no mapping was used."""
        name = self.mapping.name if self.mapping is not None else None
        sentences = [f"The mapping '{name}' was used"] if name else []
        return sentences + [
            f"{used.column} '{used.vendor_value}' was read as '{used.target}' in "
            f"{used.rows:,} {'row' if used.rows == 1 else 'rows'}"
            for used in self.used_values
        ]


def save_mapping(
    connection: Connection,
    actor: Actor,
    vendor_id: str | None,
    document: MappingDocument,
    *,
    name: str | None = None,
    headers: Sequence[str] = (),
) -> SavedMapping:
    """Store a mapping of a vendor, or a preset if it is None, and return it.

    With a name, the mapping is remembered: it applies to all files with exactly these headers. If the vendor has a
    mapping for them already, that one gets a new version and this name. Without a name it belongs to one upload. Raises
    AlreadyExists if another mapping has the name, InvalidInput.
    """
    connection.execute(query("lock_mappings_of_vendor"), {"vendor_id": vendor_id})
    if name is None:
        if vendor_id is None:
            raise InvalidInput("A preset needs a name.")
        params = {"vendor_id": vendor_id}
        [(count,)] = connection.execute(query("count_recent_mappings_without_name"), params).fetchall()
        if count >= MAX_DAILY_MAPPINGS:
            raise InvalidInput(
                f"There can be at most {MAX_DAILY_MAPPINGS:,} mappings without a name a day. Give the mapping a name."
            )
        return _insert_mapping(connection, actor, vendor_id, document, name=None, fingerprint=None)
    name = _validate_name(vendor_id, name)
    if not any(header.strip() for header in headers) and vendor_id is not None:
        raise InvalidInput("A mapping that is remembered needs the headers of the files that it applies to.")
    fingerprint = compute_fingerprint(headers) if vendor_id is not None else None
    existing = _list_mappings(connection, vendor_id)
    same_headers = next((row for row in existing if fingerprint and row["header_fingerprint"] == fingerprint), None)
    if any(row["name"].casefold() == name.casefold() and row is not same_headers for row in existing):
        raise AlreadyExists(f"There is another {_noun(vendor_id)} with the name '{name}'.")
    if same_headers is not None:
        return update_mapping(connection, actor, vendor_id, same_headers["mapping_id"], name=name, document=document)
    if len(existing) >= MAX_MAPPINGS:
        raise InvalidInput(
            f"There are {MAX_MAPPINGS} {_noun(vendor_id)}s, which is the limit. Delete one that is not used."
        )
    return _insert_mapping(connection, actor, vendor_id, document, name=name, fingerprint=fingerprint)


def _insert_mapping(
    connection: Connection,
    actor: Actor,
    vendor_id: str | None,
    document: MappingDocument,
    *,
    name: str | None,
    fingerprint: str | None,
) -> SavedMapping:
    mapping_id = f"M{secrets.token_hex(6)}"
    params = {"mapping_id": mapping_id, "vendor_id": vendor_id, "name": name, "header_fingerprint": fingerprint}
    if connection.execute(query("insert_mapping"), params).rowcount == 0:
        raise AlreadyExists("There is another mapping with this name.")
    version = _insert_version(connection, actor, mapping_id, document)
    if name is not None:
        record_action(connection, actor, "mapping_created", mapping_id, vendor_id=vendor_id, name=name)
    return SavedMapping(mapping_id, version, document, name, fingerprint)


def update_mapping(
    connection: Connection,
    actor: Actor,
    vendor_id: str | None,
    mapping_id: str,
    *,
    name: str | None = None,
    document: MappingDocument | None = None,
) -> SavedMapping:
    """Rename a mapping, or store a new version of its document, for later uploads. Raises NotFound, AlreadyExists."""
    connection.execute(query("lock_mappings_of_vendor"), {"vendor_id": vendor_id})
    current = get_mapping(connection, vendor_id, mapping_id)
    if name is not None and name != current.name:
        name = _validate_name(vendor_id, name)
        others = _list_mappings(connection, vendor_id, name=name)
        if any(other["mapping_id"] != mapping_id for other in others):
            raise AlreadyExists(f"There is another {_noun(vendor_id)} with the name '{name}'.")
        connection.execute(query("rename_mapping"), {"mapping_id": mapping_id, "name": name})
    version = current.version
    if document is not None and document != current.document:
        version = _insert_version(connection, actor, mapping_id, document)
    new_name = name or current.name
    if (new_name, version) != (current.name, current.version):
        record_action(
            connection, actor, "mapping_updated", mapping_id, vendor_id=vendor_id, name=new_name, version=version
        )
    return SavedMapping(mapping_id, version, document or current.document, new_name, current.header_fingerprint)


def delete_mapping(connection: Connection, actor: Actor, vendor_id: str | None, mapping_id: str) -> None:
    """Delete a mapping, so that it applies to no later file. Its versions are kept. Raises NotFound."""
    mapping = get_mapping(connection, vendor_id, mapping_id)
    connection.execute(query("archive_mapping"), {"mapping_id": mapping_id})
    record_action(connection, actor, "mapping_deleted", mapping_id, vendor_id=vendor_id, name=mapping.name)


def list_mappings(connection: Connection, vendor_id: str | None) -> list[dict[str, Any]]:
    """List the current versions of a vendor's mappings, or of the presets if it is None, by name.

    Each has the fields of a SavedMapping, with `document` as JSON, and `created_by` and `updated_at` of the version.
    """
    return _list_mappings(connection, vendor_id)


def load_mappings(connection: Connection, vendor_id: str) -> list[SavedMapping]:
    """Return the current versions of the mappings that apply to a vendor's files by their headers."""
    return [_make_mapping(row) for row in _list_mappings(connection, vendor_id)]


def load_presets(connection: Connection) -> list[SavedMapping]:
    """Return the presets that operators have published."""
    return [_make_mapping(row) for row in _list_mappings(connection, None)]


def get_mapping(connection: Connection, vendor_id: str | None, mapping_id: str) -> SavedMapping:
    """Return the current version of a mapping of a vendor, or of a preset if it is None. Raises NotFound."""
    rows = _list_mappings(connection, vendor_id, mapping_id=mapping_id)
    if not rows:
        raise NotFound(f"There is no mapping {mapping_id}")
    return _make_mapping(rows[0])


def get_version(connection: Connection, vendor_id: str | None, mapping_id: str, version: int) -> dict[str, Any]:
    """Return a version of a mapping of a vendor, or of a preset if it is None, in the form of `list_mappings`.

    It may have no name. Raises NotFound.
    """
    row = _get_version(connection, vendor_id, mapping_id, version)
    if row is None:
        raise NotFound(f"There is no mapping {mapping_id}")
    return row


def find_mapping(connection: Connection, vendor_id: str, name_or_reference: str) -> SavedMapping | None:
    """Return a mapping of a vendor by its name, its id, or a reference such as `M1a2b3c/2`; None if there is none.

    A reference also finds a mapping without a name, and one that was deleted since.
    """
    if not name_or_reference.isprintable() or len(name_or_reference) > NAME_LENGTH:
        return None
    mapping_id, slash, version = name_or_reference.partition("/")
    if slash and version.isascii() and version.isdecimal() and len(version) < 8:
        row = _get_version(connection, vendor_id, mapping_id[:20], int(version))
        if row is not None:
            return _make_mapping(row)
    rows = _list_mappings(connection, vendor_id, name=name_or_reference) or _list_mappings(
        connection, vendor_id, mapping_id=name_or_reference
    )
    return _make_mapping(rows[0]) if rows else None


def get_applied_mapping(connection: Connection, upload_id: str) -> AppliedMapping | None:
    """Return what an upload used of mappings; None if the upload does not exist."""
    params = {"upload_id": upload_id}
    row = connection.cursor(row_factory=dict_row).execute(query("get_applied_mapping"), params).fetchone()
    if row is None:
        return None
    used_values = [from_json(UsedValue, value) for value in row["used_values"]]
    mapping = _make_mapping(row) if row["mapping_id"] is not None else None
    return AppliedMapping(mapping, used_values, row["missing_columns"])


def _get_version(connection: Connection, vendor_id: str | None, mapping_id: str, version: int) -> dict[str, Any] | None:
    params = {"vendor_id": vendor_id, "mapping_id": mapping_id, "version": version}
    return connection.cursor(row_factory=dict_row).execute(query("get_mapping_version"), params).fetchone()


def _list_mappings(
    connection: Connection, vendor_id: str | None, *, mapping_id: str | None = None, name: str | None = None
) -> list[dict[str, Any]]:
    params = {"vendor_id": vendor_id, "mapping_id": mapping_id, "name": name}
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query("list_mappings"), params).fetchall()


def _make_mapping(row: Mapping[str, Any]) -> SavedMapping:
    document = parse_document(row["document"])
    return SavedMapping(row["mapping_id"], row["version"], document, row["name"], row["header_fingerprint"])


def _insert_version(connection: Connection, actor: Actor, mapping_id: str, document: MappingDocument) -> int:
    params = {
        "mapping_id": mapping_id,
        "document": json.dumps(document_as_json(document), ensure_ascii=False),
        "created_by": actor.name,
    }
    [(version,)] = connection.execute(query("insert_mapping_version"), params).fetchall()
    return int(version)


def _noun(vendor_id: str | None) -> str:
    return "preset" if vendor_id is None else "mapping"


def _validate_name(vendor_id: str | None, name: str) -> str:
    name = validate_text(f"A {_noun(vendor_id)}'s name", name, NAME_LENGTH)
    if vendor_id is None and any(preset.name.casefold() == name.casefold() for preset in list_presets()):
        raise AlreadyExists(f"There is a shipped preset with the name '{name}'. Choose another name.")
    if name.casefold() == NO_MAPPING or "/" in name:
        raise InvalidInput(
            f"A {_noun(vendor_id)}'s name has no '/' and is not '{NO_MAPPING}', which switches mappings off."
        )
    return name
