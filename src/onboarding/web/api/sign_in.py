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
from onboarding.web.auth import Caller, SignedIn, VendorAdmin, client_ip, cookie_name, same_origin
from onboarding.web.database import Desk, DeskHere
from onboarding.web.errors import Problem, documented
from onboarding.web.tokens import csrf_token_of

router = APIRouter(prefix="/v1", tags=["Authentication"])

SAME_TIME = 0.15
"""Seconds that asking for a link takes at least: a known address takes a statement more. On AWS the wait occupies a
container, so it is no longer than that needs."""

Email = Annotated[
    str,
    StringConstraints(min_length=3, max_length=254),
    Field(json_schema_extra={"format": "email"}),
    AfterValidator(valid_address),
]


class LinkRequest(BaseModel):
    email: Email = Field(
        description="Where to send the link, if an account exists for it", examples=["contact@techgear.com"]
    )


class LinkSent(BaseModel):
    """The same for every address."""

    detail: str


class Link(BaseModel):
    token: str = Field(description="The last part of the emailed link", min_length=1, max_length=200)


class SessionShown(BaseModel):
    """Who is signed in."""

    kind: Literal["vendor", "operator"]
    vendor_id: str | None
    name: str
    email: str
    role: str = Field(description="`vendor`, or an operator's `viewer` or `admin`; `suspended` for a suspended vendor")
    scopes: list[str]
    csrf_token: str | None = Field(
        description="Send it as `X-CSRF-Token` with every request that changes data; null for API keys, which need none"
    )


class SessionStarted(BaseModel):
    csrf_token: str
    expires_at: datetime


@router.post(
    "/sign-in",
    status_code=202,
    responses=documented("invalid-request", "bad-request", "csrf-failed", "too-many-requests"),
)
async def ask_for_sign_in_link(asked: LinkRequest, request: Request, desk: DeskHere) -> LinkSent:
    """Have a sign-in link mailed. The answer is the same whether the address is known or not."""
    started = time.monotonic()
    if not same_origin(request, desk.settings.portal_url):
        raise Problem("csrf-failed", "The request came from another site.")
    try:
        await run_in_threadpool(sessions.ask_for_link, desk, asked.email, client_ip(request))
    except sessions.TooMany as error:
        raise Problem(
            "too-many-requests",
            "Too many sign-in links were requested from your network. Try again in an hour.",
            headers={"Retry-After": "3600"},
        ) from error
    await asyncio.sleep(max(0.0, SAME_TIME - (time.monotonic() - started)))
    return LinkSent(
        detail="If an account exists for this address, a sign-in link is on its way. It expires in 15 minutes."
    )


@router.post("/session", status_code=201, responses=documented("invalid-request", "bad-request", "csrf-failed", "gone"))
def start_session(link: Link, request: Request, response: Response, desk: DeskHere) -> SessionStarted:
    """Use a sign-in link up. The session comes as a cookie."""
    return begin(link.token, request, response, desk)


def begin(token: str, request: Request, response: Response, desk: Desk) -> SessionStarted:
    """Use a link up and set the session's cookie on `response`; for the page and the API alike."""
    if not same_origin(request, desk.settings.portal_url):
        raise Problem("csrf-failed", "The request came from another site.")
    session = sessions.use_link(desk, token, client_ip(request))
    if session is None:
        raise Problem("gone", "This link has expired or was already used. Request a new one.")
    response.set_cookie(
        cookie_name(desk.settings.portal_url),
        session.secret,
        max_age=int(sessions.SESSION_AGE.total_seconds()),
        path="/",
        secure=desk.settings.portal_url.startswith("https:"),
        httponly=True,
        samesite="lax",
    )
    return SessionStarted(csrf_token=csrf_token_of(session.secret), expires_at=session.expires_at)


@router.get("/session", responses=documented("unauthenticated"))
def show_session(caller: SignedIn) -> SessionShown:
    """Say who is asking."""
    return shown(caller)


def shown(caller: Caller) -> SessionShown:
    return SessionShown(
        kind="operator" if caller.is_operator else "vendor",
        vendor_id=caller.vendor_id,
        name=caller.name,
        email=caller.email,
        role=caller.role,
        scopes=sorted(caller.scopes),
        csrf_token=caller.csrf_token,
    )


@router.delete("/session", status_code=204, responses=documented("unauthenticated", "csrf-failed"))
def end_session(caller: SignedIn, request: Request, response: Response, desk: DeskHere) -> None:
    """Sign out. A key stays as it is: revoke it to end it."""
    name = cookie_name(desk.settings.portal_url)
    session = request.cookies.get(name)
    if caller.csrf_token is not None and session is not None:
        sessions.end(desk, session)
        secure = desk.settings.portal_url.startswith("https:")
        response.delete_cookie(name, path="/", secure=secure, httponly=True, samesite="lax")


@router.delete(
    "/sessions",
    status_code=204,
    responses=documented("unauthenticated", "forbidden", "account-suspended", "not-found", "csrf-failed"),
)
def end_every_session(caller: VendorAdmin, desk: DeskHere) -> None:
    """Sign out everywhere: whoever is signed in for this vendor has to ask for a new link. Keys stay as they are."""
    sign_out(caller, desk, str(caller.vendor_id))


def sign_out(caller: Caller, desk: Desk, vendor_id: str) -> None:
    """Sign a vendor out everywhere, as that vendor or an operator."""

    # As the API itself: sessions are closed to vendors.
    def work(connection: Connection) -> None:
        end_sessions_of_vendor(connection, vendor_id)
        note(connection, caller, "signed_out_everywhere", vendor_id, vendor_id=vendor_id)

    desk.run(work)
