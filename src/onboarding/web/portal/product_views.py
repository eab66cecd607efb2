"""What the pages of products show: the form of a product, its history, and the progress of an edit."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from onboarding.domain.column_types import ColumnType, NumberColumn, ProductStatus, Required, TextColumn
from onboarding.domain.error_codes import RowErrorCode
from onboarding.domain.models import UploadStatus
from onboarding.domain.product_schema import CHANGEABLE, CHOICES, MAX_LENGTHS, PRODUCT_SCHEMA
from onboarding.storage import upload_sessions
from onboarding.storage.database import Connection
from onboarding.web import schemas, upload_queries
from onboarding.web.auth import Principal
from onboarding.web.errors import RowProblem
from onboarding.web.product_schemas import CatalogProductResponse, ProductEventResponse
from onboarding.web.schemas import ErrorResponse, UploadResponse

FORM_COLUMNS = tuple(column for column in CHANGEABLE if column not in CHOICES)
"""Columns of the form; the status has buttons."""

STATUS_LABELS: Mapping[str, str] = {
    ProductStatus.ACTIVE: "On sale",
    ProductStatus.INACTIVE: "Off sale",
    ProductStatus.BLOCKED: "Blocked",
}

EVENT_LABELS: Mapping[str, str] = {
    "created": "Added",
    "updated": "Changed",
    "undone": "Undone",
    "blocked": "Blocked",
    "unblocked": "Block ended",
}

MAX_ERRORS = 20
_LONG_TEXTS = frozenset({"description"})

_HELP: Mapping[str, str] = {
    "category": "An active category of the marketplace.",
    "description": f"May have several lines. Up to {MAX_LENGTHS['description']:,} characters.",
}
"""Help for columns whose description is about files."""


def show_value(product: CatalogProductResponse, column: str) -> str:
    """Return a value of a product as a form shows it; blank if there is none."""
    value = getattr(product, column)
    return "" if value is None else _normalize(str(value))


def describe_value(column: str, value: str | None) -> str | None:
    """Return a value in words; None if there is none."""
    return STATUS_LABELS.get(value, value) if column in CHOICES and value is not None else value


def _normalize(text: str) -> str:
    """Return a text with the line breaks of the database: browsers send others."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def new_form_key() -> str:
    """Return a value that identifies a form, so that it takes effect once."""
    return secrets.token_hex(12)


def derive_idempotency_key(form_key: str, *parts: object) -> str | None:
    """Return the key of what a form requests: the same form may be sent again with other values."""
    if not form_key:
        return None
    return f"form-{sha256(repr((form_key, parts)).encode()).hexdigest()[:40]}"


@dataclass(frozen=True, slots=True)
class ProductForm:
    """The fields of the form of a product, as a browser sent them.

    `originals` are the values that the form showed at first, so that only those that the user has changed are edited.
    """

    version: str | None
    key: str
    values: Mapping[str, str]
    originals: Mapping[str, str]

    @classmethod
    def parse(cls, fields: Mapping[str, str]) -> ProductForm:
        """Return the form; a column whose field is missing is unchanged."""
        originals = {column: _normalize(fields.get(f"original_{column}", "")) for column in FORM_COLUMNS}
        values = {column: _normalize(fields.get(column, originals[column])) for column in FORM_COLUMNS}
        return cls(fields.get("version") or None, fields.get("key", ""), values, originals)

    @property
    def edits(self) -> dict[str, str]:
        """Return the values that the user has changed, by column."""
        return {column: text for column, text in self.values.items() if text != self.originals[column]}


@dataclass(frozen=True, slots=True)
class FieldView:
    """A field of the form. `present` is the value that the product has meanwhile, None if it is the original one."""

    name: str
    label: str
    help: str
    value: str
    original: str
    present: str | None
    messages: Sequence[str]
    suggestion: str
    is_required: bool

    @property
    def is_long(self) -> bool:
        """Return whether the value may have several lines."""
        return self.name in _LONG_TEXTS

    @property
    def is_category(self) -> bool:
        """Return whether the value is one of a list."""
        return PRODUCT_SCHEMA[self.name].type is ColumnType.CATEGORY


@dataclass(frozen=True, slots=True)
class FormView:
    """The form of a product, filled with its values or with those that were not saved.

    `is_stale`: the product has changed since the form was shown. `messages` belong to no field.
    """

    version: str
    key: str
    fields: Sequence[FieldView]
    messages: Sequence[str] = ()
    is_stale: bool = False
    is_open: bool = False

    @property
    def has_conflicts(self) -> bool:
        """Return whether saving overwrites a value that has changed since the form was shown."""
        return any(field.present is not None for field in self.fields)


def build_form(
    product: CatalogProductResponse, form: ProductForm | None = None, errors: Sequence[RowProblem] = ()
) -> FormView:
    """Return the form of a product. Of one that was not saved, the entered values are kept."""
    is_stale = any(error.error_type == RowErrorCode.STALE_ROW for error in errors)
    shown_errors = [error for error in errors if error.error_type != RowErrorCode.STALE_ROW]
    fields = [_build_field(product, column, form, shown_errors, is_stale=is_stale) for column in FORM_COLUMNS]
    named = {name for error in shown_errors for name in error.column.split(", ")} & set(FORM_COLUMNS)
    return FormView(
        version=product.version if is_stale or form is None else form.version or "",
        key=new_form_key(),
        fields=fields,
        messages=[_describe(error) for error in shown_errors if not named.intersection(error.column.split(", "))],
        is_stale=is_stale,
        is_open=form is not None,
    )


def _build_field(
    product: CatalogProductResponse,
    column: str,
    form: ProductForm | None,
    errors: Sequence[RowProblem],
    *,
    is_stale: bool,
) -> FieldView:
    definition = PRODUCT_SCHEMA[column]
    present = show_value(product, column)
    value = original = present
    is_replaced = False
    if form is not None:
        is_edited = column in form.edits
        is_replaced = is_stale and is_edited and present != form.originals[column]
        # Values that others have changed meanwhile are shown, except where the user has entered one.
        value = form.values[column] if is_edited or not is_stale else present
        original = present if is_stale else form.originals[column]
    own_errors = [error for error in errors if column in error.column.split(", ")]
    return FieldView(
        name=column,
        label=definition.label,
        help=_HELP.get(column) or f"{definition.description}. {_describe_limits(definition)}.",
        value=value,
        original=original,
        present=present if is_replaced else None,
        messages=list(map(_describe, own_errors)),
        suggestion=next((error.suggestion for error in own_errors if error.suggestion), ""),
        is_required=definition.required is not Required.NEVER,
    )


def _describe_limits(definition: TextColumn | NumberColumn) -> str:
    if isinstance(definition, TextColumn):
        return f"Up to {definition.max_length:,} characters"
    return f"{definition.limits[0].upper()}{definition.limits[1:]}"


def _describe(error: RowProblem) -> str:
    message, prefix = error.message, f"{error.column} "
    if error.column in PRODUCT_SCHEMA and message.startswith(prefix):
        # The form shows labels instead of the names of columns in files.
        message = f"{PRODUCT_SCHEMA[error.column].label} {message.removeprefix(prefix)}"
    return " ".join(text if text.endswith((".", "?")) else f"{text}." for text in (message, error.hint) if text)


def can_undo(product: CatalogProductResponse, event: ProductEventResponse) -> bool:
    """Return whether an undo of the event's upload reverts this change and no other one."""
    is_change = event.event_type in {"created", "updated"} and not event.is_undone
    return is_change and event.upload_rows == 1 and event.at == product.updated_at


@dataclass(frozen=True, slots=True)
class EditProgress:
    """An edit, with its upload once it exists, and the errors of its rows."""

    upload_session_id: str
    upload: UploadResponse | None
    errors: Sequence[ErrorResponse] = ()

    @property
    def is_done(self) -> bool:
        """Return whether all rows have an outcome."""
        return self.upload is not None and self.upload.status is not UploadStatus.PROCESSING


def load_progress(connection: Connection, principal: Principal, upload_session_id: str) -> EditProgress | None:
    """Return the progress of an edit; None if there is no such edit that the principal may see."""
    session = upload_sessions.get_upload_session(connection, principal.vendor_id, upload_session_id)
    if session is None:
        return None
    if session.upload_id is None:
        return EditProgress(upload_session_id, None)
    upload = upload_queries.get_visible_upload(connection, principal, session.upload_id)
    errors: Sequence[ErrorResponse] = ()
    if upload.error_records:
        page = upload_queries.list_errors(connection, principal, session.upload_id, {}, cursor=None, limit=MAX_ERRORS)
        errors = page.items
    return EditProgress(upload_session_id, schemas.upload_response(upload), errors)
