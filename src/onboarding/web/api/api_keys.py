"""Routes for the API keys of a vendor, and for those of the marketplace's own systems."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field, StringConstraints

from onboarding.storage import api_keys
from onboarding.storage.api_keys import CATALOG, MAX_DAYS, NAME_LENGTH, CatalogScope, Scope
from onboarding.storage.database import Connection
from onboarding.storage.errors import AlreadyExists
from onboarding.storage.input_validation import PLAIN_TEXT
from onboarding.web.auth import CurrentOperator, OperatorAdmin, Principal, VendorAdmin
from onboarding.web.database import DatabasePool, PoolDep
from onboarding.web.errors import Problem, problem_responses
from onboarding.web.request_parameters import IdempotencyKey, KeyId
from onboarding.web.tokens import generate_secret, hash_secret

router = APIRouter(
    prefix="/v1/keys",
    tags=["API keys"],
    responses=problem_responses("unauthenticated", "forbidden", "account-suspended", "invalid-request", "bad-request"),
)

operator_router = APIRouter(
    prefix="/v1/operator/keys",
    tags=["Operators"],
    responses=problem_responses("unauthenticated", "forbidden", "not-found", "invalid-request", "bad-request"),
)

ID_LENGTH = 16


KeyName = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=NAME_LENGTH, pattern=PLAIN_TEXT),
    Field(description="Purpose of the key", examples=["Nightly export"]),
]
Days = Annotated[int, Field(ge=1, le=MAX_DAYS, description="Number of days until the key expires")]


class KeyRequest(BaseModel):
    """A new API key of a vendor."""

    name: KeyName
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=10)] = Field(
        default=["uploads:read", "uploads:write"],
        description="`admin` manages API keys and the webhook",
    )
    days: Days = 90


class MarketplaceKeyRequest(BaseModel):
    """A new API key of a system of the marketplace."""

    name: KeyName
    days: Days = 90


class KeyResponse(BaseModel):
    """An API key without its secret."""

    key_id: str
    name: str
    scopes: list[Scope | CatalogScope]
    created_at: datetime
    created_by: str
    expires_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None


class NewKeyResponse(KeyResponse):
    """A new API key with its secret."""

    key: str = Field(description="Returned only once; send it as `Authorization: Bearer …`")


class KeyList(BaseModel):
    """The API keys of a vendor or of the marketplace."""

    items: list[KeyResponse]


@router.get("")
def list_keys(principal: VendorAdmin, pool: PoolDep) -> KeyList:
    """List all keys of the account, the newest first, revoked and expired ones included."""
    return principal.run(pool, lambda connection: get_keys(connection, principal.vendor_id))


@operator_router.get("")
def list_marketplace_keys(principal: CurrentOperator, pool: PoolDep) -> KeyList:
    """List all keys of the marketplace's own systems, the newest first, revoked and expired ones included."""
    return principal.run(pool, lambda connection: get_keys(connection, None))


def get_keys(connection: Connection, vendor_id: str | None) -> KeyList:
    """Return the keys of a vendor, or those of the marketplace if it is None."""
    return KeyList(items=[KeyResponse(**row) for row in api_keys.list_api_keys(connection, vendor_id)])


@router.post("", status_code=201, responses=problem_responses("conflict"))
def create_key(
    body: KeyRequest, principal: VendorAdmin, pool: PoolDep, idempotency_key: IdempotencyKey = None
) -> NewKeyResponse:
    """Create a key. Only this response contains it. A key cannot create a key with scopes that it does not have.

    A repeated request with the same `Idempotency-Key` is a conflict that names the key of the first request.
    """
    if not principal.scopes.issuperset(body.scopes):
        raise Problem("forbidden", "A key cannot create a key with more permissions than its own.")
    return _add_key(principal, pool, body, body.scopes, idempotency_key)


@operator_router.post("", status_code=201, responses=problem_responses("conflict"))
def create_marketplace_key(
    body: MarketplaceKeyRequest, principal: OperatorAdmin, pool: PoolDep, idempotency_key: IdempotencyKey = None
) -> NewKeyResponse:
    """Create a key that reads the catalog of all vendors, and nothing else. Only this response contains it.

    A repeated request with the same `Idempotency-Key` is a conflict that names the key of the first request.
    """
    return _add_key(principal, pool, body, [CATALOG], idempotency_key)


def _add_key(
    principal: Principal,
    pool: DatabasePool,
    body: KeyRequest | MarketplaceKeyRequest,
    scopes: Sequence[Scope | CatalogScope],
    idempotency_key: str | None,
) -> NewKeyResponse:
    """Add a key of the principal's vendor; of the marketplace if the principal is an operator."""
    key_id, secret = _new_key_id(principal, idempotency_key), generate_secret()
    # Secret scanners recognise the prefix; lists contain the id.
    key = f"onb_{key_id}_{secret}"

    def work(connection: Connection) -> KeyResponse:
        row = api_keys.add_api_key(
            connection,
            principal.audit_actor,
            key_id=key_id,
            vendor_id=principal.vendor_id,
            name=body.name,
            key_hash=hash_secret(key),
            scopes=scopes,
            days=body.days,
        )
        return KeyResponse(**row)

    try:
        return NewKeyResponse(**principal.run(pool, work).model_dump(), key=key)
    except AlreadyExists as error:
        detail = f"The key {key_id} was created with this Idempotency-Key and cannot be shown again."
        raise Problem("conflict", detail) from error


def _new_key_id(principal: Principal, idempotency_key: str | None) -> str:
    """Return a new id. It is derived from the idempotency key, so that the same one cannot create two keys."""
    if idempotency_key is None:
        return generate_secret()[:ID_LENGTH]
    # No id of a vendor contains a blank.
    owner = principal.vendor_id or "the marketplace"
    return hash_secret(f"{owner} {idempotency_key}").hex()[:ID_LENGTH]


@router.delete("/{key_id}", status_code=204, responses=problem_responses("not-found"))
def revoke_key(key_id: KeyId, principal: VendorAdmin, pool: PoolDep) -> None:
    """Revoke a key immediately and permanently. Repeating the request changes nothing."""
    revoke(principal, pool, principal.vendor_id, key_id)


@operator_router.delete("/{key_id}", status_code=204)
def revoke_marketplace_key(key_id: KeyId, principal: OperatorAdmin, pool: PoolDep) -> None:
    """Revoke a key of the marketplace immediately and permanently. Repeating the request changes nothing."""
    revoke(principal, pool, None, key_id)


def revoke(principal: Principal, pool: DatabasePool, vendor_id: str | None, key_id: str) -> None:
    """Revoke a key of a vendor, at its own or an operator's request; or one of the marketplace, without a vendor."""
    actor = principal.audit_actor
    principal.run(pool, lambda c: api_keys.revoke_api_key(c, actor, vendor_id=vendor_id, key_id=key_id))
