"""Authentication of requests: a vendor by API key or session, an operator by session, the marketplace by API key."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Literal, TypeVar
from urllib.parse import urlsplit

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyCookie, HTTPBearer
from starlette.concurrency import run_in_threadpool

from onboarding.storage import vendors
from onboarding.storage.api_keys import CATALOG, SCOPES
from onboarding.storage.audit_log import Actor
from onboarding.storage.database import Connection
from onboarding.storage.queries import query
from onboarding.web.database import DatabasePool, PoolDep, Work
from onboarding.web.errors import Problem, not_found
from onboarding.web.request_forms import read_form
from onboarding.web.tokens import derive_csrf_token, hash_secret, is_equal

Result = TypeVar("Result")

READ, WRITE, ADMIN = SCOPES

Kind = Literal["vendor", "operator", "marketplace"]
"""Kind of a principal. `marketplace`: a system of the marketplace with an API key, which reads the catalog only."""

OPERATOR_ROLES = frozenset({"viewer", "admin"})

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

# For the API description only: `_authenticate` reads both, to distinguish an invalid key from a missing one.
_BEARER = HTTPBearer(auto_error=False, scheme_name="key", description="An API key: `Authorization: Bearer onb_…`")
_COOKIE = APIKeyCookie(
    name="onboarding_session",
    auto_error=False,
    scheme_name="session",
    description="The session cookie; requests that change data also need its `X-CSRF-Token`",
)


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated vendor, operator or system of the marketplace.

    Only a vendor has a `vendor_id`; the others see the data of all vendors. `role` is `vendor`, `suspended` (a vendor),
    that of an operator, or `marketplace`.
    """

    actor: str
    vendor_id: str | None
    scopes: frozenset[str]
    name: str = ""
    role: str = "vendor"
    email: str = ""
    csrf_token: str | None = None
    ip: str = ""

    @property
    def kind(self) -> Kind:
        if self.vendor_id is not None:
            return "vendor"
        return "operator" if self.role in OPERATOR_ROLES else "marketplace"

    @property
    def is_operator(self) -> bool:
        return self.kind == "operator"

    @property
    def audit_actor(self) -> Actor:
        """Return the actor for entries of the audit log."""
        return Actor(self.actor, self.ip, self.vendor_id)

    def run(self, pool: DatabasePool, work: Work[Result]) -> Result:
        """Run `work` in a transaction that sees the rows that this principal may see."""
        return pool.run_unrestricted(work) if self.vendor_id is None else pool.run_as_vendor(self.vendor_id, work)

    def run_for_vendor(self, pool: DatabasePool, vendor_id: str | None, work: Work[Result]) -> Result:
        """Run `work` on the data of a vendor, or on data for all vendors if it is None.

        Raises NotFound if an operator names a vendor that does not exist.
        """

        def run_for_existing_vendor(connection: Connection) -> Result:
            if self.is_operator and vendor_id is not None:
                vendors.require_vendor(connection, vendor_id)
            return work(connection)

        return self.run(pool, run_for_existing_vendor)


def cookie_name(portal_url: str) -> str:
    """Return the name of the session cookie.

    Browsers accept a `__Host-` cookie only from this host and over TLS, so plain HTTP on one machine has another name.
    """
    return "__Host-onboarding_session" if portal_url.startswith("https:") else "onboarding_session"


def client_ip(request: Request) -> str:
    """Return the IP address of the connection: headers can be forged."""
    return request.client.host if request.client else ""


async def _authenticate(request: Request, pool: PoolDep) -> Principal | None:
    """Return the principal of a request, or None without credentials. Raises Problem for an invalid key."""
    authorization = request.headers.get("authorization")
    if authorization is not None:
        scheme, _, key = authorization.partition(" ")
        principal = (
            await run_in_threadpool(_get_principal_of_key, pool, key.strip()) if scheme.lower() == "bearer" else None
        )
        if principal is None:
            raise Problem("unauthenticated", "The API key is unknown, expired or revoked.")
        return _store_principal(request, principal)
    session = request.cookies.get(cookie_name(pool.settings.portal_url))
    if session is None:
        return None
    principal = await run_in_threadpool(_get_principal_of_session, pool, session)
    if principal is None:
        return None
    if request.method not in SAFE_METHODS:
        await _check_csrf_token(request, pool, derive_csrf_token(session))
    return _store_principal(request, principal)


def _get_principal_of_key(pool: DatabasePool, key: str) -> Principal | None:
    parameters = {"key": hash_secret(key)}
    row = pool.run(lambda c: c.execute(query("get_key_principal"), parameters).fetchone())
    if row is None:
        return None
    key_id, vendor_id, name, email, status, scopes = row
    if vendor_id is None:
        return Principal(f"key:{key_id}", None, frozenset(scopes) & {CATALOG}, name, "marketplace")
    return _limit_if_suspended(
        Principal(f"key:{key_id}", vendor_id, frozenset(scopes) - {CATALOG}, name, email=email), status
    )


def _get_principal_of_session(pool: DatabasePool, session: str) -> Principal | None:
    parameters = {"session": hash_secret(session)}
    row = pool.run(lambda c: c.execute(query("get_session_principal"), parameters).fetchone())
    if row is None:
        return None
    vendor_id, name, email, status, role = row
    token = derive_csrf_token(session)
    if vendor_id is not None:
        principal = Principal(f"vendor:{vendor_id}", vendor_id, frozenset(SCOPES), name, email=email, csrf_token=token)
        return _limit_if_suspended(principal, status)
    scopes = frozenset({READ, CATALOG, WRITE, ADMIN} if role == "admin" else {READ, CATALOG})
    return Principal(f"operator:{email}", None, scopes, name, role, email, token)


def _limit_if_suspended(principal: Principal, status: str) -> Principal:
    # A suspended vendor may still read its data.
    return principal if status == "active" else replace(principal, scopes=principal.scopes & {READ}, role="suspended")


def _store_principal(request: Request, principal: Principal) -> Principal:
    """Return the principal with its IP address, and store it in the request for the log and error pages."""
    principal = replace(principal, ip=client_ip(request))
    request.state.principal = principal
    return principal


def is_same_origin(request: Request, portal_url: str) -> bool:
    """Return whether the request comes from our own pages or from a program, which sends no `Origin`."""
    origin = request.headers.get("origin")
    parts = urlsplit(portal_url)
    return origin is None or origin == f"{parts.scheme}://{parts.netloc}"


async def _check_csrf_token(request: Request, pool: DatabasePool, expected_token: str) -> None:
    token = request.headers.get("x-csrf-token", "")
    media_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if not token and media_type in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        token = str((await read_form(request)).get("csrf_token", ""))
    if not is_same_origin(request, pool.settings.portal_url) or not is_equal(token, expected_token):
        detail = "The request could not be verified. Reload the page and try again."
        raise Problem("csrf-failed", detail)


class RequireScope:
    """A dependency with the scope that each kind of principal needs (None: no scope).

    The route does not exist for the kinds that are not named.
    """

    def __init__(self, **scopes: str | None) -> None:
        self.scopes = scopes

    def __call__(
        self,
        principal: Annotated[Principal | None, Depends(_authenticate)],
        _key: Annotated[object, Security(_BEARER)],
        _session: Annotated[object, Security(_COOKIE)],
    ) -> Principal:
        if principal is None:
            raise Problem("unauthenticated", "Sign in, or send an API key as `Authorization: Bearer …`.")
        if principal.kind not in self.scopes:
            raise not_found("page")
        scope = self.scopes[principal.kind]
        if scope is not None and scope not in principal.scopes:
            if principal.role == "suspended":
                raise Problem(
                    "account-suspended", "Your account is suspended. Contact the marketplace to reactivate it."
                )
            raise Problem("forbidden", f"This requires the permission {scope}, which you do not have.")
        return principal


OptionalPrincipal = Annotated[Principal | None, Depends(_authenticate)]
"""The principal of a request, or None."""

CurrentPrincipal = Annotated[Principal, Depends(RequireScope(vendor=None, operator=None))]
"""Any vendor or operator."""

Reader = Annotated[Principal, Depends(RequireScope(vendor=READ, operator=READ))]
"""A vendor, who reads its own data, or an operator, who reads all."""

Writer = Annotated[Principal, Depends(RequireScope(vendor=WRITE, operator=WRITE))]

CurrentVendor = Annotated[Principal, Depends(RequireScope(vendor=READ))]
VendorWriter = Annotated[Principal, Depends(RequireScope(vendor=WRITE))]
VendorAdmin = Annotated[Principal, Depends(RequireScope(vendor=ADMIN))]

CurrentOperator = Annotated[Principal, Depends(RequireScope(operator=READ))]
OperatorAdmin = Annotated[Principal, Depends(RequireScope(operator=ADMIN))]

ProductReader = Annotated[Principal, Depends(RequireScope(vendor=READ, operator=READ, marketplace=CATALOG))]
"""A vendor, who reads its own products, or an operator or a system of the marketplace, who read all."""

CatalogReader = Annotated[Principal, Depends(RequireScope(operator=CATALOG, marketplace=CATALOG))]
"""An operator or a system of the marketplace."""
