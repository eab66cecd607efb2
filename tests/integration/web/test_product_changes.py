"""Keys of the marketplace, and the change feed that they read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest

from onboarding.web.api.api_keys import operator_router
from tests.support.api_clients import key_client, new_key, signed_in
from tests.support.running_pipeline import Pipeline, csv_of, product, wait_until

KEYS = operator_router.prefix
FEED = "/v1/operator/product-changes"


def create_key(operator: httpx.Client, name: str, **fields: Any) -> dict[str, Any]:
    """Create a key of the marketplace; return the response."""
    response = operator.post(KEYS, json={"name": name, **fields})
    assert response.status_code == 201, response.text
    key: dict[str, Any] = response.json()
    return key


@pytest.fixture(scope="module")
def reader(pipeline: Pipeline, operator: httpx.Client) -> Iterator[httpx.Client]:
    """Yield a client with a key of the marketplace."""
    with closing(key_client(pipeline, create_key(operator, "feed")["key"])) as client:
        yield client


@pytest.fixture
def viewer(pipeline: Pipeline) -> Iterator[httpx.Client]:
    """Yield a signed-in operator who may not change anything."""
    email = "feed-viewer@marketplace.example"
    pipeline.connection.execute(
        "insert into operators (email, name, role) values (%s, 'Viewer', 'viewer') on conflict do nothing", (email,)
    )
    with closing(signed_in(pipeline, email)) as client:
        yield client


def read_all(client: httpx.Client, after: str | None, limit: int = 200) -> tuple[list[dict[str, Any]], str]:
    """Return the changes after a position and the position after them."""
    changes = []
    while True:
        params = {"limit": limit} | ({"after": after} if after else {})
        response = client.get(FEED, params=params)
        assert response.status_code == 200, response.text
        page = response.json()
        changes += page["items"]
        after = page["next"]
        assert isinstance(after, str)
        if not page["has_more"]:
            return changes, after


def read_changes(client: httpx.Client, after: str, product_ids: set[int]) -> dict[int, dict[str, Any]]:
    """Wait until these products have changes after a position; return the last one of each."""

    def read() -> dict[int, dict[str, Any]] | None:
        changes = {item["product_id"]: item for item in read_all(client, after)[0]}
        return {key: changes[key] for key in product_ids} if product_ids <= changes.keys() else None

    return wait_until(read, "the changes in the feed")


def test_marketplace_key_is_shown_once_listed_and_revoked(pipeline: Pipeline, operator: httpx.Client) -> None:
    key = create_key(operator, "once", days=7)
    assert key["scopes"] == ["catalog:read"]
    [listed] = [item for item in operator.get(KEYS).json()["items"] if item["key_id"] == key["key_id"]]
    assert "key" not in listed
    assert listed["created_by"].startswith("operator:")
    with closing(key_client(pipeline, key["key"])) as client:
        assert client.get(FEED).status_code == 200
        assert operator.delete(f"{KEYS}/{key['key_id']}").status_code == 204
        assert operator.delete(f"{KEYS}/{key['key_id']}").status_code == 204
        assert client.get(FEED).status_code == 401
    assert operator.delete(f"{KEYS}/unknown").status_code == 404
    entries = operator.get("/v1/operator/audit-log").json()["items"]
    actions = [(entry["action"], entry["vendor_id"]) for entry in entries if entry["subject"] == key["key_id"]]
    assert actions == [("key_revoked", None), ("key_revoked", None), ("key_created", None)]


def test_marketplace_key_after_its_expiry_is_unauthenticated(pipeline: Pipeline, operator: httpx.Client) -> None:
    key = create_key(operator, "expired", days=1)
    pipeline.connection.execute("update api_keys set expires_at = now() where key_id = %s", (key["key_id"],))
    with closing(key_client(pipeline, key["key"])) as client:
        assert client.get(FEED).status_code == 401


def test_marketplace_key_with_the_same_idempotency_key_is_a_conflict(operator: httpx.Client) -> None:
    responses = [
        operator.post(KEYS, json={"name": "repeated"}, headers={"Idempotency-Key": "feed-repeated"}) for _ in range(2)
    ]
    assert [response.status_code for response in responses] == [201, 409]
    assert responses[0].json()["key_id"] in responses[1].json()["detail"]


def test_marketplace_keys_of_vendors_and_viewers_are_not_created(
    vendor_a: httpx.Client, viewer: httpx.Client, operator: httpx.Client
) -> None:
    assert vendor_a.post(KEYS, json={"name": "mine"}).status_code == 404
    assert vendor_a.post("/v1/keys", json={"name": "mine", "scopes": ["catalog:read"]}).status_code == 422
    assert viewer.get(KEYS).status_code == 200
    assert viewer.post(KEYS, json={"name": "mine"}).status_code == 403
    # A key of a vendor is not one of the marketplace.
    key = new_key(vendor_a)
    assert operator.delete(f"{KEYS}/{key['key_id']}").status_code == 404
    assert key["key_id"] not in operator.get(KEYS).text


def test_feed_of_an_upload_has_the_values_of_its_products(
    pipeline: Pipeline, reader: httpx.Client, operator: httpx.Client
) -> None:
    pipeline.vendor("VENDA")
    _, position = read_all(reader, None)
    rows = [product("feed-1", price="7.5", weight_kg="1", brand=""), product("feed-2")]
    upload = pipeline.run("VENDA", "feed.csv", csv_of(rows))
    first, second = pipeline.products(upload.upload_id)
    changes = read_changes(reader, position, {first["product_id"], second["product_id"]})
    change = changes[first["product_id"]]
    assert (change["product"]["vendor_id"], change["is_removed"]) == ("VENDA", False)
    values = change["product"]
    assert values["product_id"] == first["product_id"]
    assert (values["sku"], values["price"], values["weight_kg"], values["stock_quantity"], values["brand"]) == (
        "SKU-feed-1",
        "7.50",
        "1.000",
        150,
        None,
    )
    assert (values["status"], values["block_reason"], values["upload_id"], values["row_number"]) == (
        "active",
        None,
        upload.upload_id,
        1,
    )
    assert values["version"].startswith("v")
    assert operator.post(f"/v1/uploads/{upload.upload_id}/undo").json()["removed"] == 2
    changes = read_changes(reader, position, set(changes))
    assert [(item["is_removed"], item["product"]) for item in changes.values()] == [(True, None)] * 2


def test_feed_in_pages_has_each_product_once(pipeline: Pipeline, reader: httpx.Client) -> None:
    pipeline.vendor("VENDA")
    _, position = read_all(reader, None)
    upload = pipeline.run("VENDA", "feed-pages.csv", csv_of(product(f"feed-page-{n}") for n in range(5)))
    product_ids = {item["product_id"] for item in pipeline.products(upload.upload_id)}
    read_changes(reader, position, product_ids)
    changes, last = read_all(reader, position, limit=2)
    assert [item["product_id"] for item in changes if item["product_id"] in product_ids] == sorted(product_ids)
    assert read_all(reader, last) == ([], last)


@pytest.mark.parametrize("after", ["x", "1", "1-", "-1-2", "99999999999999999999-1", "1-9223372036854775808"])
def test_feed_after_an_invalid_position_is_a_bad_request(reader: httpx.Client, after: str) -> None:
    response = reader.get(FEED, params={"after": after})
    assert (response.status_code, response.json()["type"]) == (400, "/problems/bad-request")


def test_feed_after_a_position_of_a_later_database_is_gone(reader: httpx.Client) -> None:
    response = reader.get(FEED, params={"after": f"{2**62}-1"})
    assert (response.status_code, response.json()["type"]) == (410, "/problems/gone")


@pytest.mark.parametrize("params", [{"after": "1 2"}, {"after": "1" * 201}, {"limit": 0}, {"limit": 201}])
def test_feed_with_invalid_parameters_is_an_invalid_request(reader: httpx.Client, params: dict[str, Any]) -> None:
    assert reader.get(FEED, params=params).status_code == 422


def test_feed_of_a_vendor_is_not_found(pipeline: Pipeline, vendor_a: httpx.Client) -> None:
    with closing(key_client(pipeline, new_key(vendor_a)["key"])) as program:
        assert [client.get(FEED).status_code for client in (vendor_a, program)] == [404, 404]


def test_feed_of_a_viewer_is_listed(viewer: httpx.Client) -> None:
    assert viewer.get(FEED, params={"limit": 1}).status_code == 200
