"""Who is asking: a vendor by key or session, an operator by session, or nobody we know."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, TypeVar
from urllib.parse import urlsplit

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyCookie, HTTPBearer
from starlette.concurrency import run_in_threadpool

from onboarding.storage.audit_log import Actor
from onboarding.storage.queries import query
from onboarding.web.database import Desk, DeskHere, Work
from onboarding.web.errors import Problem, not_found
from onboarding.web.tokens import csrf_token_of, hashed, same

Result = TypeVar("Result")

READ, WRITE, ADMIN = "uploads:read", "uploads:write", "admin"
SCOPES = (READ, WRITE, ADMIN)
"""`admin` is for the account itself: keys and the webhook. A signed-in vendor has all three."""

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

# For the description alone: both are read by hand below, to tell a bad key from a missing one.
_BEARER = HTTPBearer(auto_error=False, scheme_name="key", description="An API key: `Authorization: Bearer onb_…`")
_COOKIE = APIKeyCookie(
    name="onboarding_session",
    auto_error=False,
    scheme_name="session",
    description="The session cookie; requests that change data also need its `X-CSRF-Token`",
)


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody we know. A vendor has a `vendor_id`; an operator has none, and sees every vendor's things."""

    actor: str
    vendor_id: str | None
    scopes: frozenset[str]
    name: str = ""
    role: str = "vendor"
    email: str = ""
    csrf_token: str | None = None
    ip: str = ""

    @property
    def is_operator(self) -> bool:
        return self.vendor_id is None

    @property
    def recorded(self) -> Actor:
        """The caller as the audit log names it."""
        return Actor(self.actor, self.ip)

    def run(self, desk: Desk, work: Work[Result]) -> Result:
        """Run `work` with this caller's eyes."""
        return desk.as_operator(work) if self.vendor_id is None else desk.as_vendor(self.vendor_id, work)


def cookie_name(portal_url: str) -> str:
    """Browsers let a `__Host-` cookie be set by this host alone and over TLS; plain HTTP (locally) cannot have it."""
    return "__Host-onboarding_session" if portal_url.startswith("https:") else "onboarding_session"


def client_ip(request: Request) -> str:
    """The address that the request came from; never a header, which anyone can write."""
    return request.client.host if request.client else ""


async def _visitor(request: Request, desk: DeskHere) -> Caller | None:
    """Whoever asks, or None. Raises the problem of a key or session that is not good."""
    authorization = request.headers.get("authorization")
    if authorization is not None:
        scheme, _, key = authorization.partition(" ")
        found = await run_in_threadpool(_of_key, desk, key.strip()) if scheme.lower() == "bearer" else None
        if found is None:
            raise Problem("unauthenticated", "The API key is unknown, expired or revoked.")
        return _known(request, found)
    session = request.cookies.get(cookie_name(desk.settings.portal_url))
    if session is None:
        return None
    found = await run_in_threadpool(_of_session, desk, session)
    if found is None:
        return None
    if request.method not in SAFE:
        await _from_our_pages(request, desk, csrf_token_of(session))
    return _known(request, found)


def _of_key(desk: Desk, key: str) -> Caller | None:
    parameters = {"key": hashed(key)}
    found = desk.run(lambda c: c.execute(query("get_key_principal"), parameters).fetchone())
    if found is None:
        return None
    key_id, vendor_id, vendor_name, email, status, scopes = found
    return _vendor(Caller(f"key:{key_id}", vendor_id, frozenset(scopes), vendor_name, email=email), status)


def _of_session(desk: Desk, session: str) -> Caller | None:
    parameters = {"session": hashed(session)}
    found = desk.run(lambda c: c.execute(query("get_session_principal"), parameters).fetchone())
    if found is None:
        return None
    vendor_id, name, email, status, role = found
    token = csrf_token_of(session)
    if vendor_id is not None:
        caller = Caller(f"vendor:{vendor_id}", vendor_id, frozenset(SCOPES), name, email=email, csrf_token=token)
        return _vendor(caller, status)
    scopes = frozenset({READ, WRITE, ADMIN} if role == "admin" else {READ})
    return Caller(f"operator:{email}", None, scopes, name, role, email, token)


def _vendor(caller: Caller, status: str) -> Caller:
    # A suspended vendor may still look at what was, and change nothing.
    return caller if status == "active" else replace(caller, scopes=caller.scopes & {READ}, role="suspended")


def _known(request: Request, caller: Caller) -> Caller:
    """The caller with the address it asks from; and kept for this request's line in the log and for its page."""
    known = replace(caller, ip=client_ip(request))
    request.state.caller = known
    return known


def same_origin(request: Request, portal_url: str) -> bool:
    """Whether a browser says that our own page sent this. Programs send no Origin, and no cookie by accident."""
    origin = request.headers.get("origin")
    parts = urlsplit(portal_url)
    return origin is None or origin == f"{parts.scheme}://{parts.netloc}"


async def _from_our_pages(request: Request, desk: Desk, expected: str) -> None:
    given = request.headers.get("x-csrf-token", "")
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if not given and kind in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        given = str((await request.form()).get("csrf_token", ""))
    if not same_origin(request, desk.settings.portal_url) or not same(given, expected):
        detail = "The request could not be verified. Reload the page and try again."
        raise Problem("csrf-failed", detail)


def _signed_in(
    caller: Annotated[Caller | None, Depends(_visitor)],
    _key: Annotated[object, Security(_BEARER)],
    _session: Annotated[object, Security(_COOKIE)],
) -> Caller:
    if caller is None:
        raise Problem("unauthenticated", "Sign in, or send an API key as `Authorization: Bearer …`.")
    return caller


class Needs:
    """A dependency that lets through a caller with a scope, of a kind or of either."""

    def __init__(self, scope: str, kind: str | None = None) -> None:
        self.scope = scope
        self.kind = kind

    def __call__(self, caller: Annotated[Caller, Depends(_signed_in)]) -> Caller:
        # What is for others alone is not there at all.
        if self.kind is not None and (self.kind == "operator") != caller.is_operator:
            raise not_found("page")
        if self.scope not in caller.scopes:
            if caller.role == "suspended":
                raise Problem(
                    "account-suspended", "Your account is suspended. Contact the marketplace to reactivate it."
                )
            raise Problem("forbidden", f"This requires the permission {self.scope}, which you do not have.")
        return caller


Visitor = Annotated[Caller | None, Depends(_visitor)]
"""Whoever asks, or None."""

SignedIn = Annotated[Caller, Depends(_signed_in)]
"""Anybody we know."""

Reader = Annotated[Caller, Depends(Needs(READ))]
"""A vendor, who reads its own things, or an operator, who reads all."""

Writer = Annotated[Caller, Depends(Needs(WRITE))]

VendorHere = Annotated[Caller, Depends(Needs(READ, "vendor"))]
VendorWriter = Annotated[Caller, Depends(Needs(WRITE, "vendor"))]
VendorAdmin = Annotated[Caller, Depends(Needs(ADMIN, "vendor"))]

OperatorHere = Annotated[Caller, Depends(Needs(READ, "operator"))]
OperatorAdmin = Annotated[Caller, Depends(Needs(ADMIN, "operator"))]
