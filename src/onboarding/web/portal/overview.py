"""Overview page for operators."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import Response

from onboarding.domain.models import UploadStatus
from onboarding.storage.database import Connection
from onboarding.web import schemas
from onboarding.web.api import operations
from onboarding.web.api.operations import MessageCountsDep
from onboarding.web.auth import CurrentOperator, Principal
from onboarding.web.database import PoolDep
from onboarding.web.portal import charts
from onboarding.web.portal.rendering import page
from onboarding.web.schemas import UploadFilter

router = APIRouter(prefix="/operator", include_in_schema=False)

LIVE = 20
LOWEST = 5
TOP = 10
INTERVALS = 48

RANGES = {"day": (1440, "24 hours"), "week": (7 * 1440, "7 days"), "month": (30 * 1440, "30 days")}


@router.get("")
def overview(
    request: Request,
    principal: CurrentOperator,
    pool: PoolDep,
    counts: MessageCountsDep,
    span: Literal["day", "week", "month"] = "day",
) -> Response:
    """Show the overview for a period."""
    minutes, words = RANGES[span]

    def work(connection: Connection) -> dict[str, Any]:
        buckets = operations.get_throughput(connection, minutes, INTERVALS).items
        return {
            "throughput": charts.throughput(buckets),
            "error_rate": charts.error_rate(buckets),
            "errors": operations.get_top_errors(connection, max(1, minutes // 1440)).items[:TOP],
            "vendors": operations.get_vendor_quality(connection, LOWEST).items,
            **_live(connection, principal, failed_events),
        }

    failed_events = sum(counts.get().values())
    return page(
        "overview.html",
        request,
        principal,
        span=span,
        spans={name: text for name, (_, text) in RANGES.items()},
        span_label=words,
        **principal.run(pool, work),
    )


@router.get("/refresh")
def live(request: Request, principal: CurrentOperator, pool: PoolDep, counts: MessageCountsDep) -> Response:
    """Return the parts of the overview that its script refreshes every few seconds."""
    failed_events = sum(counts.get().values())
    values = principal.run(pool, lambda connection: _live(connection, principal, failed_events))
    return page("overview_refresh.html", request, principal, **values)


def _live(connection: Connection, principal: Principal, failed_events: int) -> dict[str, Any]:
    processing = UploadFilter(status=UploadStatus.PROCESSING)
    return {
        "overview": operations.get_overview(connection, failed_events),
        "processing_uploads": schemas.list_uploads(connection, principal, processing, cursor=None, limit=LIVE),
        "latest_uploads": schemas.list_uploads(connection, principal, UploadFilter(), cursor=None, limit=TOP),
    }
