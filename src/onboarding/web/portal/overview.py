"""Overview page for operators."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import Response

from onboarding.domain.models import UploadStatus
from onboarding.storage.database import Connection
from onboarding.web import upload_queries
from onboarding.web.api import operations
from onboarding.web.api.operations import MessageCountsDep
from onboarding.web.auth import CurrentOperator, Principal
from onboarding.web.database import PoolDep
from onboarding.web.portal import charts
from onboarding.web.portal.rendering import render_page
from onboarding.web.upload_queries import UploadFilter

router = APIRouter(prefix="/operator", include_in_schema=False)

PROCESSING_UPLOADS = 20
LATEST_UPLOADS = 10
TOP_ERRORS = 10
LOWEST_QUALITY = 5
BUCKETS = 48

RANGES = {"day": (1440, "24 hours"), "week": (7 * 1440, "7 days"), "month": (30 * 1440, "30 days")}


@router.get("")
def show_overview(
    request: Request,
    principal: CurrentOperator,
    pool: PoolDep,
    counts: MessageCountsDep,
    span: Literal["day", "week", "month"] = "day",
) -> Response:
    """Show the overview for a period."""
    minutes, label = RANGES[span]
    failed_events = sum(counts.get().values())

    def work(connection: Connection) -> dict[str, Any]:
        buckets = operations.get_throughput(connection, minutes, BUCKETS).items
        return {
            "throughput": charts.throughput_chart(buckets),
            "error_rate": charts.error_rate_chart(buckets),
            "errors": operations.get_top_errors(connection, max(1, minutes // 1440)).items[:TOP_ERRORS],
            "vendors": operations.get_vendor_quality(connection, LOWEST_QUALITY).items,
            **_refreshed_values(connection, principal, failed_events),
        }

    return render_page(
        "overview.html",
        request,
        principal,
        span=span,
        spans={name: text for name, (_, text) in RANGES.items()},
        span_label=label,
        **principal.run(pool, work),
    )


@router.get("/refresh")
def refresh_overview(request: Request, principal: CurrentOperator, pool: PoolDep, counts: MessageCountsDep) -> Response:
    """Return the parts of the overview that its script refreshes every few seconds."""
    failed_events = sum(counts.get().values())
    values = principal.run(pool, lambda connection: _refreshed_values(connection, principal, failed_events))
    return render_page("overview_refresh.html", request, principal, **values)


def _refreshed_values(connection: Connection, principal: Principal, failed_events: int) -> dict[str, Any]:
    processing = UploadFilter(status=UploadStatus.PROCESSING)
    return {
        "overview": operations.get_overview(connection, failed_events),
        "processing_uploads": upload_queries.list_uploads(
            connection, principal, processing, cursor=None, limit=PROCESSING_UPLOADS
        ),
        "latest_uploads": upload_queries.list_uploads(
            connection, principal, UploadFilter(), cursor=None, limit=LATEST_UPLOADS
        ),
    }
