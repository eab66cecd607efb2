"""Pages of the presets, for operators: the shipped ones, and the published ones to add, change or delete."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from onboarding.domain.mapped_numbers import MappedNumberFormat
from onboarding.domain.mappings import InvalidMapping, MappingDocument, SavedMapping, normalize_key
from onboarding.files.presets import Preset, list_presets
from onboarding.storage import mappings
from onboarding.storage.errors import AlreadyExists, InvalidInput
from onboarding.web.api import mappings as mappings_api
from onboarding.web.auth import CurrentOperator, OperatorAdmin, Principal
from onboarding.web.database import DatabasePool, PoolDep
from onboarding.web.portal import preset_documents
from onboarding.web.portal.forms import FormState, Text, render_form_page
from onboarding.web.portal.mapping_forms import (
    FormFields,
    MappingForm,
    build_mapping_form,
    describe_columns,
    describe_fill_down,
    describe_other_parts,
)
from onboarding.web.portal.preset_documents import format_document, parse_document_text
from onboarding.web.portal.rendering import render_page
from onboarding.web.portal.saved_mappings import (
    CHANGED_MEANWHILE,
    ChangedMeanwhile,
    list_mapping_items,
    load_mapping,
    save_mapping_form,
    sentence,
    update_unchanged_mapping,
)
from onboarding.web.request_parameters import MappingId

router = APIRouter(prefix="/operator/presets", include_in_schema=False)

DocumentText = Annotated[str, Form(max_length=preset_documents.MAX_LENGTH)]

HELP_TEXTS = {
    "name": "The name of the system, such as Shopify. Up to 100 characters, without a slash.",
    "document": 'A mapping as JSON, such as {"columns": {"Title": {"columns": ["product_name"]}}}.',
}


@dataclass(frozen=True, slots=True)
class ShippedHeader:
    """A header of a shipped preset, the labels of its columns, and the format of its numbers."""

    header: str
    target: str
    number_format: MappedNumberFormat | None


@dataclass(frozen=True, slots=True)
class ShippedPreset:
    """What the page shows of a shipped preset. `signatures` are the headers for which it is proposed.

    `notes` are sentences about the parts of it that are not in the table.
    """

    name: str
    signatures: Sequence[str]
    headers: Sequence[ShippedHeader]
    notes: Sequence[str]


def _describe_preset(preset: Preset) -> ShippedPreset:
    headers = [item.header for item in preset.headers]
    headers += [header for fill_down in preset.fill_downs for header in (fill_down.group_header, *fill_down.headers)]
    names = {normalize_key(header): header for header in headers}
    return ShippedPreset(
        preset.name,
        [", ".join(f"'{names.get(key, key)}'" for key in sorted(signature)) for signature in preset.signatures],
        [
            ShippedHeader(item.header, describe_columns(item.target.columns), item.target.number_format)
            for item in preset.headers
        ],
        [
            *(describe_fill_down(fill_down) for fill_down in preset.fill_downs),
            *describe_other_parts(MappingDocument(first_address=preset.first_address)),
        ],
    )


@router.get("")
def show_presets(
    request: Request, principal: CurrentOperator, pool: PoolDep, notice: Literal["deleted", ""] = ""
) -> Response:
    """Show the published and the shipped presets."""
    return _render_presets(request, principal, pool, FormState(notice=notice))


@router.post("")
def publish_preset(
    request: Request, principal: OperatorAdmin, pool: PoolDep, name: Text = "", document: DocumentText = ""
) -> Response:
    """Publish a preset with a document in JSON."""
    field_errors: dict[str, str] = {}
    actor = principal.audit_actor
    try:
        parsed_document = parse_document_text(document)
        preset = principal.run(pool, lambda c: mappings.save_mapping(c, actor, None, parsed_document, name=name))
    except InvalidMapping as error:
        field_errors["document"] = sentence(error)
    except (AlreadyExists, InvalidInput) as error:
        field_errors["name"] = sentence(error)
    if not name.strip():
        field_errors["name"] = "Enter a name."
    if field_errors:
        return _render_presets(request, principal, pool, FormState({"name": name, "document": document}, field_errors))
    return RedirectResponse(f"/operator/presets/{preset.mapping_id}?notice=published", status_code=303)


def _render_presets(request: Request, principal: Principal, pool: DatabasePool, form: FormState) -> Response:
    return render_form_page(
        "presets.html",
        request,
        principal,
        form,
        HELP_TEXTS,
        published=principal.run(pool, lambda c: list_mapping_items(c, None)),
        shipped=[_describe_preset(preset) for preset in list_presets()],
    )


@router.get("/{mapping_id}")
def show_preset(
    mapping_id: MappingId,
    request: Request,
    principal: CurrentOperator,
    pool: PoolDep,
    notice: Literal["published", "saved", ""] = "",
) -> Response:
    """Show a published preset with the forms to change it."""
    preset = load_mapping(principal, pool, None, mapping_id)
    return _render_preset(request, principal, preset, build_mapping_form(preset), notice=notice)


@router.post("/{mapping_id}")
def save_preset(
    mapping_id: MappingId, request: Request, principal: OperatorAdmin, pool: PoolDep, fields: FormFields
) -> Response:
    """Save the name and the columns of a preset; they are proposed for later files."""
    invalid_form = save_mapping_form(principal, pool, None, mapping_id, fields)
    if invalid_form:
        preset = load_mapping(principal, pool, None, mapping_id)
        return _render_preset(request, principal, preset, invalid_form)
    return RedirectResponse(f"/operator/presets/{mapping_id}?notice=saved", status_code=303)


@router.post("/{mapping_id}/document")
def save_document(
    mapping_id: MappingId,
    request: Request,
    principal: OperatorAdmin,
    pool: PoolDep,
    *,
    version: Text = "",
    document: DocumentText = "",
) -> Response:
    """Save the document of a preset, in JSON; it is proposed for later files."""
    try:
        update_unchanged_mapping(
            principal, pool, None, mapping_id, version=version, document=lambda _: parse_document_text(document)
        )
    except ChangedMeanwhile as error:
        form = build_mapping_form(error.mapping)
        return _render_preset(request, principal, error.mapping, form, document_error=CHANGED_MEANWHILE)
    except InvalidMapping as error:
        preset = load_mapping(principal, pool, None, mapping_id)
        form = build_mapping_form(preset)
        return _render_preset(request, principal, preset, form, document=document, document_error=sentence(error))
    return RedirectResponse(f"/operator/presets/{mapping_id}?notice=saved", status_code=303)


@router.post("/{mapping_id}/delete")
def delete_preset(mapping_id: MappingId, principal: OperatorAdmin, pool: PoolDep) -> Response:
    """Delete a preset, so that it is no longer proposed."""
    mappings_api.delete_saved_mapping(principal, pool, None, mapping_id)
    return RedirectResponse("/operator/presets?notice=deleted", status_code=303)


def _render_preset(
    request: Request,
    principal: Principal,
    preset: SavedMapping,
    form: MappingForm,
    *,
    document: str | None = None,
    document_error: str = "",
    notice: str = "",
) -> Response:
    return render_page(
        "preset.html",
        request,
        principal,
        status=422 if form.error or form.name_error or document_error else 200,
        preset=preset,
        form=form,
        document=format_document(preset.document) if document is None else document,
        field_errors={"document": document_error} if document_error else {},
        help_texts=HELP_TEXTS,
        notice=notice,
    )
