"""Routes of signing in and out. A browser's session is a cookie; programs use keys and never come here."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Request, Response
from pydantic import AfterValidator, BaseModel, Field, StringConstraints
from starlette.concurrency import run_in_threadpool

from onboarding.domain.email_address import valid_address
from onboarding.storage.administration import end_sessions_of_vendor
from onboarding.storage.database import Connection
from onboarding.web import sessions
from onboarding.web.audit import note
from onboarding.web.auth import CurrentPrincipal, Principal, VendorAdmin, client_ip, cookie_name, is_same_origin
from onboarding.web.database import DatabasePool, PoolDep
from onboarding.web.errors import Problem, problem_responses
from onboarding.web.tokens import derive_csrf_token

router = APIRouter(prefix="/v1", tags=["Signing in"])

MINIMUM_SECONDS = 0.15
"""Seconds that asking for a link takes at least: a known address takes a statement more. On AWS the wait occupies a
container, so it is no longer than that needs."""

Email = Annotated[
    str,
    StringConstraints(min_length=3, max_length=254),
    Field(json_schema_extra={"format": "email"}),
    AfterValidator(valid_address),
]


class LinkRequest(BaseModel):
    email: Email = Field(description="Where the link is sent, if it is known", examples=["contact@techgear.com"])


class LinkSent(BaseModel):
    """The same for every address."""

    detail: str


class Link(BaseModel):
    token: str = Field(description="The last part of the mailed link", min_length=1, max_length=200)


class SessionResponse(BaseModel):
    """Who is signed in."""

    kind: Literal["vendor", "operator"]
    vendor_id: str | None
    name: str
    email: str
    role: str = Field(description="`vendor`, or an operator's `viewer` or `admin`; `suspended` for a suspended vendor")
    scopes: list[str]
    csrf_token: str | None = Field(
        description="To be sent as `X-CSRF-Token` with whatever changes something; null for a key, which needs none"
    )


class SessionStarted(BaseModel):
    csrf_token: str
    expires_at: datetime


@router.post(
    "/sign-in",
    status_code=202,
    responses=problem_responses("invalid-request", "bad-request", "forged-request", "too-many-requests"),
)
async def ask_for_sign_in_link(asked: LinkRequest, request: Request, pool: PoolDep) -> LinkSent:
    """Have a sign-in link mailed. The answer is the same whether the address is known or not."""
    started = time.monotonic()
    if not is_same_origin(request, pool.settings.portal_url):
        raise Problem("forged-request", "The request came from a page of another site.")
    try:
        await run_in_threadpool(sessions.request_link, pool, asked.email, client_ip(request))
    except sessions.TooManyRequests as error:
        raise Problem(
            "too-many-requests",
            "Too many sign-in links were asked for from your network.",
            headers={"Retry-After": "3600"},
        ) from error
    await asyncio.sleep(max(0.0, MINIMUM_SECONDS - (time.monotonic() - started)))
    return LinkSent(detail="If the address is known, a link is on its way. It works once, within 15 minutes.")


@router.post(
    "/session", status_code=201, responses=problem_responses("invalid-request", "bad-request", "forged-request", "gone")
)
def start_session(link: Link, request: Request, response: Response, pool: PoolDep) -> SessionStarted:
    """Use a sign-in link up. The session comes as a cookie."""
    return begin(link.token, request, response, pool)


def begin(token: str, request: Request, response: Response, pool: DatabasePool) -> SessionStarted:
    """Use a link up and set the session's cookie on `response`; for the page and the API alike."""
    if not is_same_origin(request, pool.settings.portal_url):
        raise Problem("forged-request", "The request came from a page of another site.")
    session = sessions.use_link(pool, token, client_ip(request))
    if session is None:
        raise Problem(
            "gone", "This link was used, is older than 15 minutes, or was never ours. Please ask for a new one."
        )
    response.set_cookie(
        cookie_name(pool.settings.portal_url),
        session.secret,
        max_age=int(sessions.SESSION_AGE.total_seconds()),
        path="/",
        secure=pool.settings.portal_url.startswith("https:"),
        httponly=True,
        samesite="lax",
    )
    return SessionStarted(csrf_token=derive_csrf_token(session.secret), expires_at=session.expires_at)


@router.get("/session", responses=problem_responses("not-signed-in"))
def show_session(principal: CurrentPrincipal) -> SessionResponse:
    """Say who is asking."""
    return shown(principal)


def shown(principal: Principal) -> SessionResponse:
    return SessionResponse(
        kind="operator" if principal.is_operator else "vendor",
        vendor_id=principal.vendor_id,
        name=principal.name,
        email=principal.email,
        role=principal.role,
        scopes=sorted(principal.scopes),
        csrf_token=principal.csrf_token,
    )


@router.delete("/session", status_code=204, responses=problem_responses("not-signed-in", "forged-request"))
def end_session(principal: CurrentPrincipal, request: Request, response: Response, pool: PoolDep) -> None:
    """Sign out. A key stays as it is: revoke it to end it."""
    name = cookie_name(pool.settings.portal_url)
    session = request.cookies.get(name)
    if principal.csrf_token is not None and session is not None:
        sessions.end_session(pool, session)
        secure = pool.settings.portal_url.startswith("https:")
        response.delete_cookie(name, path="/", secure=secure, httponly=True, samesite="lax")


@router.delete(
    "/sessions",
    status_code=204,
    responses=problem_responses("not-signed-in", "not-allowed", "account-suspended", "not-found", "forged-request"),
)
def end_every_session(principal: VendorAdmin, pool: PoolDep) -> None:
    """Sign out everywhere: whoever is signed in for this vendor has to ask for a new link. Keys stay as they are."""
    sign_out(principal, pool, str(principal.vendor_id))


def sign_out(principal: Principal, pool: DatabasePool, vendor_id: str) -> None:
    """Sign a vendor out everywhere, as that vendor or an operator."""

    # As the API itself: sessions are closed to vendors.
    def work(connection: Connection) -> None:
        end_sessions_of_vendor(connection, vendor_id)
        note(connection, principal, "signed_out_everywhere", vendor_id, vendor_id=vendor_id)

    pool.run(work)
