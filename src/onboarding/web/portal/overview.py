"""Operators: the whole marketplace at a glance."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import Response

from onboarding.domain.models import UploadStatus
from onboarding.web import schemas
from onboarding.web.api import operations
from onboarding.web.auth import Caller, OperatorHere
from onboarding.web.database import Desk, DeskHere
from onboarding.web.portal import charts
from onboarding.web.portal.rendering import page
from onboarding.web.schemas import Wanted

router = APIRouter(prefix="/operator", include_in_schema=False)

LIVE = 20
WORST = 5
TOP = 10
STRETCHES = 48

RANGES = {"day": (1440, "24 hours"), "week": (7 * 1440, "7 days"), "month": (30 * 1440, "30 days")}


@router.get("")
def overview(
    request: Request, caller: OperatorHere, desk: DeskHere, span: Literal["day", "week", "month"] = "day"
) -> Response:
    minutes, words = RANGES[span]
    moments = operations.show_throughput(caller, desk, minutes, STRETCHES).items
    return page(
        "overview.html",
        request,
        caller,
        span=span,
        spans={name: text for name, (_, text) in RANGES.items()},
        span_label=words,
        throughput=charts.throughput(moments),
        error_rate=charts.error_rate(moments),
        errors=operations.show_top_errors(caller, desk, max(1, minutes // 1440)).items[:TOP],
        vendors=operations.list_lowest_quality(caller, desk, WORST).items,
        **_live(caller, desk),
    )


@router.get("/refresh")
def live(request: Request, caller: OperatorHere, desk: DeskHere) -> Response:
    """Return the parts of the overview that its script refreshes."""
    return page("overview_refresh.html", request, caller, **_live(caller, desk))


def _live(caller: Caller, desk: Desk) -> dict[str, Any]:
    return {
        "overview": operations.show_overview(caller, desk),
        "processing_uploads": schemas.uploads_page(
            desk, caller, Wanted(status=UploadStatus.PROCESSING), cursor=None, limit=LIVE
        ),
        "latest_uploads": schemas.uploads_page(desk, caller, Wanted(), cursor=None, limit=TOP),
    }
