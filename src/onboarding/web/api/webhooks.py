"""Routes for the webhook of a vendor and that of the marketplace: configuration, deliveries and test messages.

Both have the same functions: a vendor has its own webhook, operators have that of the marketplace.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field, StringConstraints

from onboarding.domain.resource_names import Function
from onboarding.notifications.webhook import ADDRESS, MARKETPLACE, WebhookUrlError, generate_signing_secret, parse_url
from onboarding.storage.audit_log import record_action
from onboarding.storage.database import Connection
from onboarding.storage.queries import query
from onboarding.web.auth import OperatorAdmin, Principal, VendorAdmin
from onboarding.web.database import DatabasePool, PoolDep, fetch_models
from onboarding.web.errors import Problem, not_found, problem_responses
from onboarding.web.tokens import generate_secret

router = APIRouter(
    prefix="/v1/webhook",
    tags=["Webhook"],
    responses=problem_responses("unauthenticated", "forbidden", "account-suspended", "invalid-request", "bad-request"),
)

operator_router = APIRouter(
    prefix="/v1/operator/webhook",
    tags=["Operators"],
    responses=problem_responses("unauthenticated", "forbidden", "not-found", "invalid-request", "bad-request"),
)

MAX_DELIVERIES = 50

MAX_TESTS = 20
"""Test messages of an owner within the window. Each one sends a request to a server that the owner chooses."""
TEST_WINDOW = timedelta(hours=1)


class WebhookRequest(BaseModel):
    """The configuration of a webhook."""

    url: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=8, max_length=2000, pattern=r"^[\x21-\x7e]+$")
    ] = Field(description="A public https URL", examples=["https://shop.example.com/onboarding"])
    new_secret: bool = Field(False, description="Replace the secret; a new webhook always gets one")


class WebhookResponse(BaseModel):
    """A webhook; its secret only if it is new."""

    url: str
    created_at: datetime
    updated_at: datetime
    secret: str | None = Field(None, description="Signs each message (`whsec_…`); returned only when it is created")


class DeliveryResponse(BaseModel):
    """One attempt to send a message to the owner's server."""

    at: datetime
    event: str
    subject: str = Field(description="Subject of the event: an upload id, a cursor")
    url: str
    status: int = Field(description="Status code of the response; 0 if there was none")
    error: str = Field(description="Why the delivery failed; blank if it succeeded")
    milliseconds: int


class DeliveryList(BaseModel):
    items: list[DeliveryResponse]


class TestMessageResponse(BaseModel):
    id: str = Field(description="The `subject` of the delivery in the list")


@router.get("", responses=problem_responses("not-found"))
def show_webhook(principal: VendorAdmin, pool: PoolDep) -> WebhookResponse:
    """Return the webhook, without its secret."""
    return get_webhook(principal, pool)


@operator_router.get("")
def show_marketplace_webhook(principal: OperatorAdmin, pool: PoolDep) -> WebhookResponse:
    """Return the webhook of the marketplace, without its secret."""
    return get_webhook(principal, pool)


def get_webhook(principal: Principal, pool: DatabasePool) -> WebhookResponse:
    """Return the webhook of the principal. Raises the problem `not-found`."""
    return principal.run(pool, lambda connection: _get_webhook(connection, principal))


def _name_query(principal: Principal, action: str, suffix: str = "") -> str:
    """Return the name of the query for the webhook of a vendor or for that of the marketplace."""
    return f"{action}_{'marketplace_' if principal.vendor_id is None else ''}webhook{suffix}"


def _get_owner(principal: Principal) -> str:
    """Return the owner of the webhook, by which it is stored in DynamoDB."""
    return principal.vendor_id or MARKETPLACE


def _get_webhook(connection: Connection, principal: Principal) -> WebhookResponse:
    rows = fetch_models(connection, WebhookResponse, _name_query(principal, "get"))
    if not rows:
        raise not_found("webhook")
    return rows[0].model_copy(update={"secret": None})


@router.put("")
def set_webhook(body: WebhookRequest, principal: VendorAdmin, pool: PoolDep) -> WebhookResponse:
    """Set the address to which finished uploads are sent, signed in the Standard Webhooks format (docs/api.md)."""
    return save_webhook(body, principal, pool)


@operator_router.put("")
def set_marketplace_webhook(body: WebhookRequest, principal: OperatorAdmin, pool: PoolDep) -> WebhookResponse:
    """Set the address that is notified of changed products (`products.changed`, docs/api.md)."""
    return save_webhook(body, principal, pool)


def save_webhook(body: WebhookRequest, principal: Principal, pool: DatabasePool) -> WebhookResponse:
    """Set the webhook of the principal. Raises the problem `bad-request`."""
    try:
        parse_url(body.url, private=pool.settings.webhooks_may_be_private)
    except WebhookUrlError as error:
        raise Problem("bad-request", f"The URL cannot be used: {error}.") from error
    secret = generate_signing_secret()
    parameters = {"vendor_id": principal.vendor_id, "url": body.url, "secret": secret, "replace": body.new_secret}

    def work(connection: Connection) -> WebhookResponse:
        record_action(connection, principal.audit_actor, "webhook_set", body.url)
        [webhook] = fetch_models(connection, WebhookResponse, _name_query(principal, "upsert"), parameters)
        return webhook

    webhook = principal.run(pool, work)
    publish(pool, _get_owner(principal), url=webhook.url, secret=str(webhook.secret))
    return webhook if webhook.secret == secret else webhook.model_copy(update={"secret": None})


def publish(pool: DatabasePool, owner: str, *, url: str, secret: str) -> None:
    """Copy a webhook to the table that the function `webhook` reads."""
    item = {"vendor_id": {"S": owner}, "entry": {"S": ADDRESS}, "url": {"S": url}, "secret": {"S": secret}}
    pool.ctx.dynamodb.put_item(TableName=pool.settings.webhooks_table, Item=item)


def publish_all(pool: DatabasePool) -> None:
    """Copy the webhooks of all owners: the local stack does not store its DynamoDB tables."""
    rows = pool.run_unrestricted(lambda connection: connection.execute(query("list_webhooks")).fetchall())
    for vendor_id, url, secret in rows:
        publish(pool, vendor_id or MARKETPLACE, url=url, secret=secret)


@router.delete("", status_code=204)
def remove_webhook(principal: VendorAdmin, pool: PoolDep) -> None:
    """Remove the webhook. Repeating the request changes nothing."""
    delete_webhook(principal, pool)


@operator_router.delete("", status_code=204)
def remove_marketplace_webhook(principal: OperatorAdmin, pool: PoolDep) -> None:
    """Remove the webhook of the marketplace. Repeating the request changes nothing."""
    delete_webhook(principal, pool)


def delete_webhook(principal: Principal, pool: DatabasePool) -> None:
    """Remove the webhook of the principal, if it has one."""

    def work(connection: Connection) -> None:
        if connection.execute(query(_name_query(principal, "delete"))).rowcount:
            record_action(connection, principal.audit_actor, "webhook_removed", "")

    principal.run(pool, work)
    key = {"vendor_id": {"S": _get_owner(principal)}, "entry": {"S": ADDRESS}}
    pool.ctx.dynamodb.delete_item(TableName=pool.settings.webhooks_table, Key=key)


@router.get("/deliveries")
def list_deliveries(principal: VendorAdmin, pool: PoolDep) -> DeliveryList:
    """List the last attempts, the newest first."""
    return get_deliveries(principal, pool)


@operator_router.get("/deliveries")
def list_marketplace_deliveries(principal: OperatorAdmin, pool: PoolDep) -> DeliveryList:
    """List the last attempts, the newest first."""
    return get_deliveries(principal, pool)


def get_deliveries(principal: Principal, pool: DatabasePool) -> DeliveryList:
    """Return the last deliveries of the principal's webhook."""
    result = pool.ctx.dynamodb.query(
        TableName=pool.settings.webhook_deliveries_table,
        KeyConditionExpression="vendor_id = :vendor",
        ExpressionAttributeValues={":vendor": {"S": _get_owner(principal)}},
        ScanIndexForward=False,
        Limit=MAX_DELIVERIES,
    )
    names = DeliveryResponse.model_fields
    return DeliveryList(
        items=[
            DeliveryResponse.model_validate({name: next(iter(item[name].values())) for name in names})
            for item in result["Items"]
        ]
    )


@router.post("/test", status_code=202, responses=problem_responses("not-found", "too-many-requests"))
def send_test(principal: VendorAdmin, pool: PoolDep) -> TestMessageResponse:
    """Send a message with the event `test`; the list of deliveries shows the result."""
    return start_test(principal, pool)


@operator_router.post("/test", status_code=202, responses=problem_responses("too-many-requests"))
def send_marketplace_test(principal: OperatorAdmin, pool: PoolDep) -> TestMessageResponse:
    """Send a message with the event `test`; the list of deliveries shows the result."""
    return start_test(principal, pool)


def start_test(principal: Principal, pool: DatabasePool) -> TestMessageResponse:
    """Send a test message to the principal's webhook. Raises the problems `not-found` and `too-many-requests`."""
    owner = _get_owner(principal)
    response = TestMessageResponse(id=generate_secret()[:12])

    def work(connection: Connection) -> None:
        _get_webhook(connection, principal)
        connection.execute(query("lock_subject"), {"subject": f"webhook test:{owner}"})
        count_tests = query(_name_query(principal, "count", "_tests"))
        [(tests,)] = connection.execute(count_tests, {"window": TEST_WINDOW}).fetchall()
        if tests >= MAX_TESTS:
            detail = f"You can send up to {MAX_TESTS} test messages per hour. Try again later."
            raise Problem("too-many-requests", detail, headers={"Retry-After": "3600"})
        record_action(connection, principal.audit_actor, "webhook_tested", response.id)

    principal.run(pool, work)
    pool.ctx.start_function(Function.WEBHOOK, {"test": {"vendor_id": owner, "id": response.id}})
    return response
