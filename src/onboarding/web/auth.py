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
from onboarding.web.database import DatabasePool, PoolDep, Work
from onboarding.web.errors import Problem, not_found
from onboarding.web.tokens import derive_csrf_token, hash_secret, is_equal

Result = TypeVar("Result")

READ, WRITE, ADMIN = "uploads:read", "uploads:write", "admin"
SCOPES = (READ, WRITE, ADMIN)
"""`admin` is for the account itself: keys and the webhook. A signed-in vendor has all three."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

# For the description alone: both are read by hand below, to tell a bad key from a missing one.
_BEARER = HTTPBearer(auto_error=False, scheme_name="key", description="An API key: `Authorization: Bearer onb_…`")
_COOKIE = APIKeyCookie(
    name="onboarding_session",
    auto_error=False,
    scheme_name="session",
    description="A session's cookie; requests that change something need its `X-CSRF-Token` too",
)


@dataclass(frozen=True, slots=True)
class Principal:
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
        """The principal as the audit log names it."""
        return Actor(self.actor, self.ip)

    def run(self, pool: DatabasePool, work: Work[Result]) -> Result:
        """Run `work` with this principal's eyes."""
        return pool.as_operator(work) if self.vendor_id is None else pool.as_vendor(self.vendor_id, work)


def cookie_name(portal_url: str) -> str:
    """Browsers let a `__Host-` cookie be set by this host alone and over TLS; plain HTTP (locally) cannot have it."""
    return "__Host-onboarding_session" if portal_url.startswith("https:") else "onboarding_session"


def client_ip(request: Request) -> str:
    """The address that the request came from; never a header, which anyone can write."""
    return request.client.host if request.client else ""


async def _visitor(request: Request, pool: PoolDep) -> Principal | None:
    """Whoever asks, or None. Raises the problem of a key or session that is not good."""
    authorization = request.headers.get("authorization")
    if authorization is not None:
        scheme, _, key = authorization.partition(" ")
        found = await run_in_threadpool(_find_by_key, pool, key.strip()) if scheme.lower() == "bearer" else None
        if found is None:
            raise Problem("not-signed-in", "The API key is not known, has expired or was revoked.")
        return _remember(request, found)
    session = request.cookies.get(cookie_name(pool.settings.portal_url))
    if session is None:
        return None
    found = await run_in_threadpool(_find_by_session, pool, session)
    if found is None:
        return None
    if request.method not in SAFE_METHODS:
        await _from_our_pages(request, pool, derive_csrf_token(session))
    return _remember(request, found)


def _find_by_key(pool: DatabasePool, key: str) -> Principal | None:
    parameters = {"key": hash_secret(key)}
    found = pool.run(lambda c: c.execute(query("get_key_principal"), parameters).fetchone())
    if found is None:
        return None
    key_id, vendor_id, vendor_name, email, status, scopes = found
    return _vendor(Principal(f"key:{key_id}", vendor_id, frozenset(scopes), vendor_name, email=email), status)


def _find_by_session(pool: DatabasePool, session: str) -> Principal | None:
    parameters = {"session": hash_secret(session)}
    found = pool.run(lambda c: c.execute(query("get_session_principal"), parameters).fetchone())
    if found is None:
        return None
    vendor_id, name, email, status, role = found
    token = derive_csrf_token(session)
    if vendor_id is not None:
        principal = Principal(f"vendor:{vendor_id}", vendor_id, frozenset(SCOPES), name, email=email, csrf_token=token)
        return _vendor(principal, status)
    scopes = frozenset({READ, WRITE, ADMIN} if role == "admin" else {READ})
    return Principal(f"operator:{email}", None, scopes, name, role, email, token)


def _vendor(principal: Principal, status: str) -> Principal:
    # A suspended vendor may still look at what was, and change nothing.
    return principal if status == "active" else replace(principal, scopes=principal.scopes & {READ}, role="suspended")


def _remember(request: Request, principal: Principal) -> Principal:
    """The principal with the address it asks from; and kept for this request's line in the log and for its page."""
    known = replace(principal, ip=client_ip(request))
    request.state.principal = known
    return known


def is_same_origin(request: Request, portal_url: str) -> bool:
    """Whether a browser says that our own page sent this. Programs send no Origin, and no cookie by accident."""
    origin = request.headers.get("origin")
    parts = urlsplit(portal_url)
    return origin is None or origin == f"{parts.scheme}://{parts.netloc}"


async def _from_our_pages(request: Request, pool: DatabasePool, expected: str) -> None:
    given = request.headers.get("x-csrf-token", "")
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if not given and kind in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        given = str((await request.form()).get("csrf_token", ""))
    if not is_same_origin(request, pool.settings.portal_url) or not is_equal(given, expected):
        detail = "The request did not come from a page of this session. Please reload the page."
        raise Problem("forged-request", detail)


def _require_principal(
    principal: Annotated[Principal | None, Depends(_visitor)],
    _key: Annotated[object, Security(_BEARER)],
    _session: Annotated[object, Security(_COOKIE)],
) -> Principal:
    if principal is None:
        raise Problem("not-signed-in", "Send an API key as `Authorization: Bearer …`, or sign in.")
    return principal


class RequireScope:
    """A dependency that lets through a principal with a scope, of a kind or of either."""

    def __init__(self, scope: str, kind: str | None = None) -> None:
        self.scope = scope
        self.kind = kind

    def __call__(self, principal: Annotated[Principal, Depends(_require_principal)]) -> Principal:
        # What is for others alone is not there at all.
        if self.kind is not None and (self.kind == "operator") != principal.is_operator:
            raise not_found("address")
        if self.scope not in principal.scopes:
            if principal.role == "suspended":
                raise Problem("account-suspended", "Your account is suspended; contact the marketplace.")
            raise Problem("not-allowed", f"This needs the scope {self.scope}, which you do not have.")
        return principal


OptionalPrincipal = Annotated[Principal | None, Depends(_visitor)]
"""Whoever asks, or None."""

CurrentPrincipal = Annotated[Principal, Depends(_require_principal)]
"""Anybody we know."""

Reader = Annotated[Principal, Depends(RequireScope(READ))]
"""A vendor, who reads its own things, or an operator, who reads all."""

Writer = Annotated[Principal, Depends(RequireScope(WRITE))]

CurrentVendor = Annotated[Principal, Depends(RequireScope(READ, "vendor"))]
VendorWriter = Annotated[Principal, Depends(RequireScope(WRITE, "vendor"))]
VendorAdmin = Annotated[Principal, Depends(RequireScope(ADMIN, "vendor"))]

CurrentOperator = Annotated[Principal, Depends(RequireScope(READ, "operator"))]
OperatorAdmin = Annotated[Principal, Depends(RequireScope(ADMIN, "operator"))]
