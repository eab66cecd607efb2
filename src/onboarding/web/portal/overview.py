"""Operators: the whole marketplace at a glance."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import Response

from onboarding.domain.models import UploadStatus
from onboarding.web import schemas
from onboarding.web.api import operations
from onboarding.web.auth import CurrentOperator, Principal
from onboarding.web.database import DatabasePool, PoolDep
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
    request: Request, principal: CurrentOperator, pool: PoolDep, span: Literal["day", "week", "month"] = "day"
) -> Response:
    minutes, words = RANGES[span]
    moments = operations.show_throughput(principal, pool, minutes, INTERVALS).items
    return page(
        "operator.html",
        request,
        principal,
        span=span,
        spans={name: text for name, (_, text) in RANGES.items()},
        words=words,
        throughput=charts.throughput(moments),
        error_rate=charts.error_rate(moments),
        errors=operations.show_top_errors(principal, pool, max(1, minutes // 1440)).items[:TOP],
        vendors=operations.list_vendor_quality(principal, pool, LOWEST).items,
        **_live(principal, pool),
    )


@router.get("/live")
def live(request: Request, principal: CurrentOperator, pool: PoolDep) -> Response:
    """The parts of the overview that move, for its script: nothing else is looked up for them every few seconds."""
    return page("operator_live.html", request, principal, **_live(principal, pool))


def _live(principal: Principal, pool: DatabasePool) -> dict[str, Any]:
    return {
        "now": operations.show_overview(principal, pool),
        "live": schemas.list_uploads(
            pool, principal, UploadFilter(status=UploadStatus.PROCESSING), cursor=None, limit=LIVE
        ),
        "latest": schemas.list_uploads(pool, principal, UploadFilter(), cursor=None, limit=TOP),
    }
