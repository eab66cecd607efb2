"""Routes for the API keys of a vendor."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field, StringConstraints

from onboarding.storage import api_keys
from onboarding.storage.api_keys import MAX_DAYS, NAME_LENGTH, Scope
from onboarding.storage.database import Connection
from onboarding.storage.errors import AlreadyExists
from onboarding.storage.input_validation import PLAIN_TEXT
from onboarding.web.auth import Principal, VendorAdmin
from onboarding.web.database import DatabasePool, PoolDep
from onboarding.web.errors import Problem, problem_responses
from onboarding.web.request_parameters import IdempotencyKey, KeyId
from onboarding.web.tokens import generate_secret, hash_secret

router = APIRouter(
    prefix="/v1/keys",
    tags=["API keys"],
    responses=problem_responses("unauthenticated", "forbidden", "account-suspended", "invalid-request", "bad-request"),
)

ID_LENGTH = 16


class KeyRequest(BaseModel):
    """A new API key."""

    name: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=NAME_LENGTH, pattern=PLAIN_TEXT)
    ] = Field(description="Purpose of the key", examples=["Nightly export"])
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=10)] = Field(
        default=["uploads:read", "uploads:write"],
        description="`admin` manages API keys and the webhook",
    )
    days: int = Field(90, ge=1, le=MAX_DAYS, description="Number of days until the key expires")


class KeyResponse(BaseModel):
    """An API key without its secret."""

    key_id: str
    name: str
    scopes: list[Scope]
    created_at: datetime
    created_by: str
    expires_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None


class NewKeyResponse(KeyResponse):
    """A new API key with its secret."""

    key: str = Field(description="Returned only once; send it as `Authorization: Bearer …`")


class KeyList(BaseModel):
    """The API keys of a vendor."""

    items: list[KeyResponse]


@router.get("")
def list_keys(principal: VendorAdmin, pool: PoolDep) -> KeyList:
    """List all keys of the account, the newest first, revoked and expired ones included."""
    return principal.run(pool, lambda connection: list_vendor_keys(connection, str(principal.vendor_id)))


def list_vendor_keys(connection: Connection, vendor_id: str) -> KeyList:
    """Return the keys of a vendor."""
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
    key_id, secret = _new_key_id(principal, idempotency_key), generate_secret()
    # Secret scanners recognise the prefix; lists contain the id.
    key = f"onb_{key_id}_{secret}"

    def work(connection: Connection) -> KeyResponse:
        row = api_keys.add_api_key(
            connection,
            principal.audit_actor,
            key_id=key_id,
            vendor_id=str(principal.vendor_id),
            name=body.name,
            key_hash=hash_secret(key),
            scopes=body.scopes,
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
    return hash_secret(f"{principal.vendor_id} {idempotency_key}").hex()[:ID_LENGTH]


@router.delete("/{key_id}", status_code=204, responses=problem_responses("not-found"))
def revoke_key(key_id: KeyId, principal: VendorAdmin, pool: PoolDep) -> None:
    """Revoke a key immediately and permanently. Repeating the request changes nothing."""
    revoke_vendor_key(principal, pool, str(principal.vendor_id), key_id)


def revoke_vendor_key(principal: Principal, pool: DatabasePool, vendor_id: str, key_id: str) -> None:
    """Revoke a key of a vendor, at its own or an operator's request."""
    actor = principal.audit_actor
    principal.run(pool, lambda c: api_keys.revoke_api_key(c, actor, vendor_id=vendor_id, key_id=key_id))
