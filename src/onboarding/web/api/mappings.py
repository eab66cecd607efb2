"""Routes for the mappings of a vendor and for presets. Operators manage the mappings of each vendor, and presets."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter
from pydantic import BaseModel, Field

from onboarding.domain.mappings import NO_MAPPING, MappingDocument, SavedMapping, normalize_key
from onboarding.files import presets
from onboarding.storage import mappings
from onboarding.storage.database import Connection
from onboarding.web.auth import CurrentOperator, CurrentVendor, OperatorAdmin, Principal, Reader, VendorWriter
from onboarding.web.database import DatabasePool, PoolDep
from onboarding.web.errors import Problem, problem_responses
from onboarding.web.mapping_schemas import (
    DocumentFields,
    MappingList,
    MappingName,
    MappingRequest,
    MappingResponse,
    MappingUpdate,
    list_columns,
    mapping_response,
    mapping_summary,
)
from onboarding.web.request_parameters import MappingId, VendorId

router = APIRouter(
    prefix="/v1/mappings",
    tags=["Mappings"],
    responses=problem_responses("unauthenticated", "forbidden", "account-suspended", "invalid-request", "bad-request"),
)
presets_router = APIRouter(
    prefix="/v1/mapping-presets",
    tags=["Mappings"],
    responses=problem_responses("unauthenticated", "forbidden", "bad-request"),
)
operator_router = APIRouter(
    prefix="/v1/operator/vendors/{vendor_id}/mappings",
    tags=["Operators"],
    responses=problem_responses("unauthenticated", "forbidden", "not-found", "invalid-request", "bad-request"),
)
operator_presets_router = APIRouter(
    prefix="/v1/operator/mapping-presets",
    tags=["Operators"],
    responses=problem_responses("unauthenticated", "forbidden", "not-found", "invalid-request", "bad-request"),
)

NOT_FOUND = problem_responses("not-found")
CONFLICT = problem_responses("conflict")


class PresetRequest(BaseModel):
    """A new preset."""

    name: MappingName
    document: DocumentFields


class PresetSummary(BaseModel):
    """A mapping for the exports of another system. It is proposed, and never applied before a person confirms it."""

    name: str
    headers: int = Field(description="Number of headers that it knows")
    columns: list[str] = Field(description="Our columns that its headers feed")


class PresetList(BaseModel):
    items: list[PresetSummary]


# A vendor's mappings; those of vendor None are the presets of operators.


def list_saved_mappings(principal: Principal, pool: DatabasePool, vendor_id: str | None) -> MappingList:
    """Return the mappings of a vendor, or the published presets if it is None, by name."""

    def work(connection: Connection) -> MappingList:
        return MappingList(items=[mapping_summary(row) for row in mappings.list_mappings(connection, vendor_id)])

    return principal.run_for_vendor(pool, vendor_id, work)


def get_saved_mapping(
    principal: Principal, pool: DatabasePool, vendor_id: str | None, mapping_id: str
) -> MappingResponse:
    """Return a mapping of a vendor, or a preset if it is None. Raises NotFound."""

    def work(connection: Connection) -> MappingResponse:
        return _get_response(connection, vendor_id, mappings.get_mapping(connection, vendor_id, mapping_id))

    return principal.run_for_vendor(pool, vendor_id, work)


def save_mapping(
    principal: Principal, pool: DatabasePool, vendor_id: str | None, body: MappingRequest
) -> MappingResponse:
    """Store a mapping of a vendor, or a preset if it is None.

    Raises AlreadyExists, InvalidInput, InvalidMapping.
    """
    document = body.document.parse()

    def work(connection: Connection) -> MappingResponse:
        if body.name is not None and body.headers:
            _require_headers(document, body.headers)
        saved = mappings.save_mapping(
            connection, principal.audit_actor, vendor_id, document, name=body.name, headers=body.headers
        )
        return _get_response(connection, vendor_id, saved)

    return principal.run_for_vendor(pool, vendor_id, work)


def _require_headers(document: MappingDocument, headers: Sequence[str]) -> None:
    """Raise the problem `invalid-request` if the document maps another header than these, so that it never applies."""
    keys = set(map(normalize_key, headers))
    for header in document.columns:
        if normalize_key(header) not in keys:
            raise Problem("invalid-request", f"`headers` lacks '{header}', which the document maps.")


def update_saved_mapping(
    principal: Principal, pool: DatabasePool, vendor_id: str | None, mapping_id: str, body: MappingUpdate
) -> MappingResponse:
    """Rename a mapping, or store a new version. Raises NotFound, AlreadyExists, InvalidInput, InvalidMapping."""
    document = body.document.parse() if body.document else None

    def work(connection: Connection) -> MappingResponse:
        saved = mappings.update_mapping(
            connection, principal.audit_actor, vendor_id, mapping_id, name=body.name, document=document
        )
        return _get_response(connection, vendor_id, saved)

    return principal.run_for_vendor(pool, vendor_id, work)


def delete_saved_mapping(principal: Principal, pool: DatabasePool, vendor_id: str | None, mapping_id: str) -> None:
    """Delete a mapping of a vendor, or a preset if it is None. Raises NotFound."""
    actor = principal.audit_actor
    principal.run_for_vendor(pool, vendor_id, lambda c: mappings.delete_mapping(c, actor, vendor_id, mapping_id))


def _get_response(connection: Connection, vendor_id: str | None, saved: SavedMapping) -> MappingResponse:
    return mapping_response(mappings.get_version(connection, vendor_id, saved.mapping_id, saved.version))


def resolve_mapping(connection: Connection, vendor_id: str, name_or_reference: str | None) -> str | None:
    """Return the upload option for the name, id or reference of a mapping, or for `none`.

    The option is the reference, so that the upload uses the version of this moment. Raises the problem
    `invalid-request` for an unknown mapping.
    """
    if name_or_reference is None or name_or_reference.casefold() == NO_MAPPING:
        return name_or_reference and NO_MAPPING
    saved = mappings.find_mapping(connection, vendor_id, name_or_reference)
    if saved is None:
        raise Problem(
            "invalid-request",
            f"There is no mapping '{name_or_reference}'. Use the name or id of a mapping, or '{NO_MAPPING}'.",
        )
    return saved.reference


@router.get("")
def list_mappings(principal: CurrentVendor, pool: PoolDep) -> MappingList:
    """List the mappings that apply to later files, by name."""
    return list_saved_mappings(principal, pool, principal.vendor_id)


@router.post("", status_code=201, responses=CONFLICT)
def create_mapping(body: MappingRequest, principal: VendorWriter, pool: PoolDep) -> MappingResponse:
    """Store a mapping. If there is one for the same headers, it gets a new version and this name."""
    return save_mapping(principal, pool, principal.vendor_id, body)


@router.get("/{mapping_id}", responses=NOT_FOUND)
def show_mapping(mapping_id: MappingId, principal: CurrentVendor, pool: PoolDep) -> MappingResponse:
    """Return the current version of a mapping."""
    return get_saved_mapping(principal, pool, principal.vendor_id, mapping_id)


@router.patch("/{mapping_id}", responses=problem_responses("not-found", "conflict"))
def update_mapping(
    mapping_id: MappingId, body: MappingUpdate, principal: VendorWriter, pool: PoolDep
) -> MappingResponse:
    """Rename a mapping, or store a new version of its document."""
    return update_saved_mapping(principal, pool, principal.vendor_id, mapping_id, body)


@router.delete("/{mapping_id}", status_code=204, responses=NOT_FOUND)
def delete_mapping(mapping_id: MappingId, principal: VendorWriter, pool: PoolDep) -> None:
    """Delete a mapping, so that it applies to no later file."""
    delete_saved_mapping(principal, pool, principal.vendor_id, mapping_id)


@presets_router.get("")
def list_presets(principal: Reader, pool: PoolDep) -> PresetList:
    """List the presets: those that are built in, then those that operators have published.

    A dry run proposes the one for the file, as a document with the headers of the file.
    """
    published = principal.run(pool, mappings.load_presets)
    items = [(preset.name, [item.target for item in preset.headers]) for preset in presets.list_presets()]
    items += [(str(preset.name), list(preset.document.columns.values())) for preset in published]
    return PresetList(
        items=[PresetSummary(name=name, headers=len(item), columns=list_columns(item)) for name, item in items]
    )


@operator_router.get("")
def list_mappings_of_vendor(vendor_id: VendorId, principal: CurrentOperator, pool: PoolDep) -> MappingList:
    """List the mappings of a vendor, by name."""
    return list_saved_mappings(principal, pool, vendor_id)


@operator_router.post("", status_code=201, responses=CONFLICT)
def create_mapping_of_vendor(
    vendor_id: VendorId, body: MappingRequest, principal: OperatorAdmin, pool: PoolDep
) -> MappingResponse:
    """Store a mapping of a vendor. If there is one for the same headers, it gets a new version and this name."""
    return save_mapping(principal, pool, vendor_id, body)


@operator_router.get("/{mapping_id}")
def show_mapping_of_vendor(
    vendor_id: VendorId, mapping_id: MappingId, principal: CurrentOperator, pool: PoolDep
) -> MappingResponse:
    """Return the current version of a vendor's mapping."""
    return get_saved_mapping(principal, pool, vendor_id, mapping_id)


@operator_router.patch("/{mapping_id}", responses=CONFLICT)
def update_mapping_of_vendor(
    vendor_id: VendorId, mapping_id: MappingId, body: MappingUpdate, principal: OperatorAdmin, pool: PoolDep
) -> MappingResponse:
    """Rename a vendor's mapping, or store a new version of its document."""
    return update_saved_mapping(principal, pool, vendor_id, mapping_id, body)


@operator_router.delete("/{mapping_id}", status_code=204)
def delete_mapping_of_vendor(
    vendor_id: VendorId, mapping_id: MappingId, principal: OperatorAdmin, pool: PoolDep
) -> None:
    """Delete a vendor's mapping, so that it applies to no later file."""
    delete_saved_mapping(principal, pool, vendor_id, mapping_id)


@operator_presets_router.get("")
def list_published_presets(principal: CurrentOperator, pool: PoolDep) -> MappingList:
    """List the presets that operators have published, by name."""
    return list_saved_mappings(principal, pool, None)


@operator_presets_router.post("", status_code=201, responses=CONFLICT)
def create_preset(body: PresetRequest, principal: OperatorAdmin, pool: PoolDep) -> MappingResponse:
    """Publish a preset, which is proposed to all vendors."""
    return save_mapping(principal, pool, None, MappingRequest(name=body.name, document=body.document))


@operator_presets_router.get("/{mapping_id}")
def show_preset(mapping_id: MappingId, principal: CurrentOperator, pool: PoolDep) -> MappingResponse:
    """Return the current version of a published preset."""
    return get_saved_mapping(principal, pool, None, mapping_id)


@operator_presets_router.patch("/{mapping_id}", responses=CONFLICT)
def update_preset(
    mapping_id: MappingId, body: MappingUpdate, principal: OperatorAdmin, pool: PoolDep
) -> MappingResponse:
    """Rename a published preset, or change its document."""
    return update_saved_mapping(principal, pool, None, mapping_id, body)


@operator_presets_router.delete("/{mapping_id}", status_code=204)
def delete_preset(mapping_id: MappingId, principal: OperatorAdmin, pool: PoolDep) -> None:
    """Delete a published preset."""
    delete_saved_mapping(principal, pool, None, mapping_id)
