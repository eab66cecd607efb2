"""Routes for signing in and out in a browser, whose session is a cookie. Programs use API keys instead."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from onboarding.storage import vendors
from onboarding.web import sessions
from onboarding.web.auth import CurrentPrincipal, Principal, VendorAdmin, client_ip, cookie_name, is_same_origin
from onboarding.web.database import DatabasePool, PoolDep
from onboarding.web.errors import Problem, problem_responses
from onboarding.web.request_parameters import Email
from onboarding.web.tokens import derive_csrf_token

router = APIRouter(prefix="/v1", tags=["Authentication"])

MINIMUM_SECONDS = 0.15
"""Minimum duration of a request for a link. It hides the additional statement for a known address. The wait occupies a
container on AWS, so it is as short as possible."""


class SignInLinkRequest(BaseModel):
    """A request for a sign-in link."""

    email: Email = Field(
        description="Where to send the link, if an account exists for it", examples=["contact@techgear.com"]
    )


class SignInLinkResponse(BaseModel):
    """The response for known and unknown addresses."""

    detail: str


class SessionRequest(BaseModel):
    """The use of a sign-in link."""

    token: str = Field(description="The last part of the e-mailed link", min_length=1, max_length=200)


class SessionResponse(BaseModel):
    """The authenticated vendor or operator."""

    kind: Literal["vendor", "operator"]
    vendor_id: str | None
    name: str
    email: str
    role: str = Field(description="`vendor`, or an operator's `viewer` or `admin`; `suspended` for a suspended vendor")
    scopes: list[str]
    csrf_token: str | None = Field(
        description="Send it as `X-CSRF-Token` with every request that changes data; null for API keys, which need none"
    )


class NewSessionResponse(BaseModel):
    """A new session, whose secret is in the cookie."""

    csrf_token: str
    expires_at: datetime


@router.post(
    "/sign-in",
    status_code=202,
    responses=problem_responses("invalid-request", "bad-request", "csrf-failed", "too-many-requests"),
)
async def request_sign_in_link(body: SignInLinkRequest, request: Request, pool: PoolDep) -> SignInLinkResponse:
    """E-mail a sign-in link. The response is the same for known and unknown addresses."""
    started = time.monotonic()
    if not is_same_origin(request, pool.settings.portal_url):
        raise Problem("csrf-failed", "The request came from another site.")
    try:
        await run_in_threadpool(sessions.request_link, pool, body.email, client_ip(request))
    except sessions.TooManyRequests as error:
        raise Problem(
            "too-many-requests",
            "Too many sign-in links were requested from your network. Try again in an hour.",
            headers={"Retry-After": "3600"},
        ) from error
    await asyncio.sleep(max(0.0, MINIMUM_SECONDS - (time.monotonic() - started)))
    return SignInLinkResponse(
        detail="If an account exists for this address, a sign-in link is on its way. It expires in 15 minutes."
    )


@router.post(
    "/session", status_code=201, responses=problem_responses("invalid-request", "bad-request", "csrf-failed", "gone")
)
def start_session(body: SessionRequest, request: Request, response: Response, pool: PoolDep) -> NewSessionResponse:
    """Use a sign-in link. The response sets the session cookie."""
    return use_sign_in_link(body.token, request, response, pool)


def use_sign_in_link(token: str, request: Request, response: Response, pool: DatabasePool) -> NewSessionResponse:
    """Use a link and set the session cookie on `response`; the page and the API route call it."""
    if not is_same_origin(request, pool.settings.portal_url):
        raise Problem("csrf-failed", "The request came from another site.")
    session = sessions.use_link(pool, token, client_ip(request))
    if session is None:
        raise Problem("gone", "This link has expired or was already used. Request a new one.")
    response.set_cookie(
        cookie_name(pool.settings.portal_url),
        session.secret,
        max_age=int(sessions.SESSION_AGE.total_seconds()),
        path="/",
        secure=pool.settings.portal_url.startswith("https:"),
        httponly=True,
        samesite="lax",
    )
    return NewSessionResponse(csrf_token=derive_csrf_token(session.secret), expires_at=session.expires_at)


@router.get("/session", responses=problem_responses("unauthenticated"))
def show_session(principal: CurrentPrincipal) -> SessionResponse:
    """Return the authenticated vendor or operator."""
    return SessionResponse(
        kind="operator" if principal.is_operator else "vendor",
        vendor_id=principal.vendor_id,
        name=principal.name,
        email=principal.email,
        role=principal.role,
        scopes=sorted(principal.scopes),
        csrf_token=principal.csrf_token,
    )


@router.delete("/session", status_code=204, responses=problem_responses("unauthenticated", "csrf-failed"))
def end_session(principal: CurrentPrincipal, request: Request, response: Response, pool: PoolDep) -> None:
    """Sign out. An API key stays valid until it is revoked."""
    name = cookie_name(pool.settings.portal_url)
    session = request.cookies.get(name)
    if principal.csrf_token is not None and session is not None:
        sessions.end_session(pool, session)
        secure = pool.settings.portal_url.startswith("https:")
        response.delete_cookie(name, path="/", secure=secure, httponly=True, samesite="lax")


@router.delete(
    "/sessions",
    status_code=204,
    responses=problem_responses("unauthenticated", "forbidden", "account-suspended", "not-found", "csrf-failed"),
)
def end_all_sessions(principal: VendorAdmin, pool: PoolDep) -> None:
    """Sign out everywhere: all sessions and unused sign-in links of this vendor end. API keys stay valid."""
    sign_out_vendor(principal, pool, str(principal.vendor_id))


def sign_out_vendor(principal: Principal, pool: DatabasePool, vendor_id: str) -> None:
    """Sign a vendor out everywhere, at its own or an operator's request."""
    # With the API's own role: vendors have no access to sessions.
    pool.run(lambda connection: vendors.sign_out_vendor(connection, principal.audit_actor, vendor_id))
