"""Rendering of templates, with filters for numbers, times and labels."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from onboarding.domain.product_schema import CHOICES, PRODUCT_SCHEMA
from onboarding.domain.upload_changes import format_price_move, format_value
from onboarding.web.api.audit_log import AuditEntryResponse
from onboarding.web.auth import ADMIN, WRITE, Principal
from onboarding.web.portal import charts
from onboarding.web.portal.mapping_forms import (
    DECIMAL_SIGN_LABELS,
    FACTOR_LABELS,
    THOUSANDS_SEPARATOR_LABELS,
    describe_number_format,
)
from onboarding.web.portal.product_views import describe_value
from onboarding.web.portal.static_files import static_url
from onboarding.web.schemas import UploadResponse

STATUS_LABELS: Mapping[str, str] = {
    "processing": "Processing",
    "completed": "Completed",
    "partial": "Partly accepted",
    "failed": "Failed",
}
QUALITY_HELP = (
    "First pass is the share of rows accepted when uploaded, without files that correct others. "
    "After fixing adds the rows fixed since."
)
"""Explains the two figures of quality."""

_URL = re.compile(r"(https?://[^\s<>\"']+)")

MODE_LABELS: Mapping[str, str] = {
    "create": "Add new products",
    "update": "Update existing products",
    "upsert": "Add and update",
}


@dataclass(frozen=True, slots=True)
class LocalDemo:
    """Additional pages on one machine: the inbox, and sample accounts to sign in as, by address."""

    inbox: APIRouter
    accounts: Mapping[str, str]


def format_number(value: float) -> str:
    """Return a number with thousands separators."""
    return f"{value:,.0f}"


def format_percentage(part: float, total: float) -> str:
    """Return a percentage; 0 and 100 are exact and never rounded."""
    if not total:
        return "0 %"
    share = 100 * part / total
    if 0 < share < 0.1:
        return "under 0.1 %"
    return f"{min(share, 99.9) if part < total else share:.1f}".removesuffix(".0") + " %"


def format_size(value: int) -> str:
    """Return a number of bytes in a suitable unit."""
    if value < 1 << 10:
        return f"{value} bytes"
    return f"{value / (1 << 10):,.0f} kB" if value < 1 << 20 else f"{value / (1 << 20):,.1f}".removesuffix(".0") + " MB"


def format_time(value: datetime) -> Markup:
    """Return a time in UTC, which a script converts to the user's time zone."""
    utc = value.astimezone(UTC)
    return Markup('<time datetime="{}">{}</time>').format(
        utc.isoformat(timespec="seconds").replace("+00:00", "Z"), f"{utc:%d %b %Y, %H:%M} UTC"
    )


def linkify(text: str) -> Markup:
    """Return a text with its web addresses as links."""
    parts = _URL.split(text)
    return Markup().join(
        Markup('<a href="{0}">{0}</a>').format(part) if n % 2 else part for n, part in enumerate(parts)
    )


def format_row_count(count: int) -> str:
    """Return a count of rows, such as `1 row` or `1,200 rows`."""
    return "1 row" if count == 1 else f"{count:,} rows"


def format_code(code: str) -> str:
    """Return a code as a label, such as `Upload cancelled` for `upload_cancelled`."""
    return code.replace("_", " ").capitalize()


MARKETPLACE_ACTIONS: Mapping[str, str] = {
    "mapping_created": "Preset published",
    "mapping_updated": "Preset updated",
    "mapping_deleted": "Preset deleted",
    "value_mapped": "Category alias saved",
    "value_mapping_deleted": "Category alias removed",
}
"""Labels of actions on mappings that belong to no vendor but to the marketplace."""


def describe_action(entry: AuditEntryResponse) -> str:
    """Return the label of the action of an entry of the audit log."""
    label = MARKETPLACE_ACTIONS.get(entry.action) if entry.vendor_id is None else None
    return label or format_code(entry.action)


def describe_subject(entry: AuditEntryResponse) -> str:
    """Return the subject of an entry of the audit log: for a mapping its name, for a value also its target."""
    if entry.action.startswith("mapping_"):
        return str(entry.detail.get("name") or entry.subject)
    if entry.action.startswith("value_"):
        return f"{entry.subject} → {entry.detail.get('target', '')}"
    return entry.subject


def get_column_label(column: str) -> str:
    """Return the label of one of our columns."""
    return PRODUCT_SCHEMA[column].label


def format_column_value(text: str | None, column: str) -> str:
    """Return a value of one of our columns for people; `blank` for none."""
    return format_value(column, describe_value(column, text))


def format_duration(upload: UploadResponse) -> str:
    """Return how long an upload took, or has taken so far."""
    end = upload.processing_completed_at or datetime.now(UTC)
    seconds = max(0.0, (end - upload.upload_timestamp).total_seconds())
    if seconds < 1:
        return "under a second"
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def page_links(path: str, conditions: Mapping[str, str], cursor: str | None, next_cursor: str | None) -> dict[str, Any]:
    """Return the values for the links between the pages of a list; `cursor` is that of the current page."""
    return {
        "first_url": f"{path}?{urlencode(conditions)}" if cursor else "",
        "next_url": f"{path}?{urlencode({**conditions, 'cursor': next_cursor})}" if next_cursor else "",
    }


def may_write(principal: Principal) -> bool:
    """Return whether the principal may upload, cancel and undo."""
    return WRITE in principal.scopes


def may_manage(principal: Principal) -> bool:
    """Return whether the principal may manage API keys, the webhook or vendors."""
    return ADMIN in principal.scopes


def may_operate(principal: Principal) -> bool:
    """Return whether the principal is an operator who may change data."""
    return principal.is_operator and ADMIN in principal.scopes


def _build_environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        # File names, cells and messages contain text of vendors.
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        number=format_number,
        size=format_size,
        timestamp=format_time,
        rows=format_row_count,
        duration=format_duration,
        label=format_code,
        action=describe_action,
        subject=describe_subject,
        linkify=linkify,
        column_label=get_column_label,
        column_value=format_column_value,
        price_move=format_price_move,
        number_format=describe_number_format,
    )
    environment.globals.update(
        static=static_url,
        percent=format_percentage,
        progress_bar=charts.progress_bar,
        STATUS_LABELS=STATUS_LABELS,
        QUALITY_HELP=QUALITY_HELP,
        MODE_LABELS=MODE_LABELS,
        CHOICES=CHOICES,
        DECIMAL_SIGN_LABELS=DECIMAL_SIGN_LABELS,
        THOUSANDS_SEPARATOR_LABELS=THOUSANDS_SEPARATOR_LABELS,
        FACTOR_LABELS=FACTOR_LABELS,
        may_write=may_write,
        may_manage=may_manage,
        may_operate=may_operate,
    )
    return environment


_TEMPLATES = _build_environment()


def render_page(
    name: str,
    request: Request,
    principal: Principal | None,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **values: Any,
) -> HTMLResponse:
    """Return the rendered template `name` as a response."""
    html = _TEMPLATES.get_template(name).render(request=request, user=principal, demo=request.app.state.demo, **values)
    return HTMLResponse(html, status_code=status, headers=dict(headers or {}))
