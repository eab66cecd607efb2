"""API keys of a vendor: made, listed, revoked."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter
from psycopg.errors import UniqueViolation
from pydantic import BaseModel, Field, StringConstraints

from onboarding.storage.administration import PLAIN
from onboarding.storage.database import Connection
from onboarding.storage.queries import query
from onboarding.web.audit import note
from onboarding.web.auth import SCOPES, Principal, VendorAdmin
from onboarding.web.database import DatabasePool, PoolDep
from onboarding.web.errors import Problem, not_found, problem_responses
from onboarding.web.pagination import IdempotencyKey, KeyId, models_from_rows
from onboarding.web.tokens import generate_secret, hash_secret

router = APIRouter(
    prefix="/v1/keys",
    tags=["API keys"],
    responses=problem_responses("not-signed-in", "not-allowed", "account-suspended", "invalid-request", "bad-request"),
)

ID_LENGTH = 16

Scope = Literal["uploads:read", "uploads:write", "admin"]
assert set(SCOPES) == {"uploads:read", "uploads:write", "admin"}  # noqa: S101 - a Literal cannot be made of a tuple


class KeyRequest(BaseModel):
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=PLAIN)] = Field(
        description="What it is for", examples=["Nightly export"]
    )
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=10)] = Field(
        default=["uploads:read", "uploads:write"],
        description="`admin` makes and revokes keys and sets the webhook",
    )
    days: int = Field(90, ge=1, le=365, description="How long it works")


class KeyResponse(BaseModel):
    """A key without the key."""

    key_id: str
    name: str
    scopes: list[Scope]
    created_at: datetime
    created_by: str
    expires_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None


class NewKey(KeyResponse):
    key: str = Field(description="Shown this once; to be sent as `Authorization: Bearer …`")


class Keys(BaseModel):
    items: list[KeyResponse]


@router.get("")
def list_keys(principal: VendorAdmin, pool: PoolDep) -> Keys:
    """All keys of the account, the newest first, revoked and expired ones among them."""
    return list_keys_of(principal, pool, str(principal.vendor_id))


def list_keys_of(principal: Principal, pool: DatabasePool, vendor_id: str) -> Keys:
    """A vendor's keys, as that vendor or an operator sees them."""
    parameters = {"vendor_id": vendor_id}
    found = principal.run(pool, lambda connection: connection.execute(query("list_api_keys"), parameters).fetchall())
    return Keys(items=models_from_rows(KeyResponse, found))


@router.post("", status_code=201, responses=problem_responses("conflict"))
def create_key(
    wanted: KeyRequest, principal: VendorAdmin, pool: PoolDep, idempotency_key: IdempotencyKey = None
) -> NewKey:
    """Make a key. It is shown in this answer and never again. A key gives no scope that it does not have itself.

    A second request with the same `Idempotency-Key` makes none: it is a conflict, which names the key of the first.
    """
    if not principal.scopes.issuperset(wanted.scopes):
        raise Problem("not-allowed", "A key cannot make one that may do more than itself.")
    key_id, secret = _make_id(principal, idempotency_key), generate_secret()
    # Words that a scanner of code and logs finds, and the part by which it is known in lists.
    key = f"onb_{key_id}_{secret}"
    parameters = {
        "key_id": key_id,
        "vendor_id": principal.vendor_id,
        "name": wanted.name,
        "key": hash_secret(key),
        "scopes": sorted(set(wanted.scopes)),
        "created_by": principal.actor,
        "days": wanted.days,
    }

    def work(connection: Connection) -> KeyResponse:
        note(connection, principal, "key_created", key_id, name=wanted.name, scopes=parameters["scopes"])
        [made] = models_from_rows(KeyResponse, connection.execute(query("insert_api_key"), parameters))
        return made

    try:
        return NewKey(**principal.run(pool, work).model_dump(), key=key)
    except UniqueViolation as error:
        detail = f"The key {key_id} was made with this Idempotency-Key, and cannot be shown again."
        raise Problem("conflict", detail) from error


def _make_id(principal: Principal, idempotency_key: str | None) -> str:
    """A new id. It follows from the idempotency key, if there is one, so the same one cannot make two keys."""
    if idempotency_key is None:
        return generate_secret()[:ID_LENGTH]
    return hash_secret(f"{principal.vendor_id} {idempotency_key}").hex()[:ID_LENGTH]


@router.delete("/{key_id}", status_code=204, responses=problem_responses("not-found"))
def revoke_key(key_id: KeyId, principal: VendorAdmin, pool: PoolDep) -> None:
    """End a key at once and for good. To revoke it again changes nothing."""
    revoke(principal, pool, str(principal.vendor_id), key_id)


def revoke(principal: Principal, pool: DatabasePool, vendor_id: str, key_id: str) -> None:
    """End a vendor's key, as that vendor or an operator."""
    parameters = {"key_id": key_id, "vendor_id": vendor_id}

    def work(connection: Connection) -> None:
        if connection.execute(query("revoke_api_key"), parameters).rowcount == 0:
            raise not_found("key")
        note(connection, principal, "key_revoked", key_id, vendor_id=vendor_id)

    principal.run(pool, work)
