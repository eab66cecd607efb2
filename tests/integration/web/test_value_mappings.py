"""Value mappings of a vendor and category aliases over the API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from onboarding.storage.database import Connection
from onboarding.storage.value_mappings import load_value_mappings
from tests.support.api_clients import forget_mappings
from tests.support.running_pipeline import Pipeline

VENDOR_PATH = "/v1/value-mappings"
OPERATOR_PATH = "/v1/operator/vendors/VENDA/value-mappings"
ALIASES_PATH = "/v1/operator/category-aliases"


@pytest.fixture(autouse=True)
def connection(pipeline: Pipeline) -> Iterator[Connection]:
    """Yield a connection that sees all rows; forget the mappings of other tests before and those of a test after it."""
    forget_mappings(pipeline)
    yield pipeline.connection
    forget_mappings(pipeline)
    pipeline.connection.execute("delete from product_categories where category_name = 'Menswear'")


def put(client: httpx.Client, path: str = VENDOR_PATH, **values: str) -> list[dict[str, Any]]:
    """Map values of `category` and return the stored ones."""
    response = client.put(path, json={"column": "category", "values": values})
    assert response.status_code == 200, response.text
    items: list[dict[str, Any]] = response.json()["items"]
    return items


def targets_of(items: list[dict[str, Any]]) -> dict[str, str]:
    return {item["vendor_value"]: item["target"] for item in items}


def test_vendor_sets_lists_and_deletes_value_mappings(
    connection: Connection, vendor_a: httpx.Client, vendor_b: httpx.Client
) -> None:
    stored = put(vendor_a, Herren="Men's Clothing", Damen="Women's Clothing")
    assert targets_of(stored) == {"Damen": "Women's Clothing", "Herren": "Men's Clothing"}
    assert {(item["column"], item["is_active"], item["created_by"]) for item in stored} == {
        ("category", True, "vendor:VENDA")
    }
    replaced = put(vendor_a, **{" HERREN ": "Clothing"})
    assert targets_of(replaced) == {"HERREN": "Clothing"}, "values are compared without case and spaces"
    assert targets_of(vendor_a.get(VENDOR_PATH).json()["items"]) == {"Damen": "Women's Clothing", "HERREN": "Clothing"}
    assert vendor_b.get(VENDOR_PATH).json() == {"items": [], "next": None}
    path = f"{VENDOR_PATH}/{replaced[0]['value_mapping_id']}"
    assert vendor_b.delete(path).status_code == 404
    assert vendor_a.delete(path).status_code == 204
    assert vendor_a.delete(path).status_code == 404
    assert targets_of(vendor_a.get(VENDOR_PATH).json()["items"]) == {"Damen": "Women's Clothing"}
    entries = connection.execute(
        "select action, subject, detail from audit_log where vendor_id = 'VENDA' order by entry_id desc limit 2"
    ).fetchall()
    assert entries == [
        ("value_mapping_deleted", "category: HERREN", {"target": "Clothing"}),
        ("value_mapped", "category: HERREN", {"target": "Clothing"}),
    ]


def test_value_mappings_are_listed_in_pages(vendor_a: httpx.Client) -> None:
    values = {f"{'ö' * 190} {n}": "Clothing" for n in range(5)}
    put(vendor_a, **values)
    listed, cursor = [], None
    while True:
        page = vendor_a.get(VENDOR_PATH, params={"limit": 2} | ({"cursor": cursor} if cursor else {})).json()
        assert len(page["items"]) <= 2
        listed += [item["vendor_value"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert listed == list(values)
    for invalid in ("AAAA", "x"):
        assert vendor_a.get(VENDOR_PATH, params={"cursor": invalid}).status_code == 400


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"column": "category", "values": {"Men": "Nowhere"}}, "'Nowhere' is not an active category."),
        ({"column": "category", "values": {" ": "Clothing"}}, "A value has 1 to 200 characters"),
        (
            {
                "column": "category",
                "values": {"\N{GREEK SMALL LETTER IOTA WITH DIALYTIKA AND TONOS}" * 200: "Clothing"},
            },
            "",
        ),
        ({"column": "brand", "values": {"Men": "Clothing"}}, "Please check: column."),
        ({"column": "status", "values": {"draft": "inactive"}}, "Please check: column."),
        ({"column": "category", "values": {}}, "Please check: values."),
    ],
)
def test_value_mapping_that_violates_a_rule_is_rejected(
    vendor_a: httpx.Client, body: dict[str, Any], sentence: str
) -> None:
    response = vendor_a.put(VENDOR_PATH, json=body)
    assert (response.status_code, response.json()["type"]) == (422, "/problems/invalid-request")
    assert sentence in response.json()["detail"]
    assert vendor_a.get(VENDOR_PATH).json()["items"] == []


def test_operator_manages_the_value_mappings_of_a_vendor(
    connection: Connection, operator: httpx.Client, vendor_a: httpx.Client
) -> None:
    [stored] = put(operator, OPERATOR_PATH, Herren="Men's Clothing")
    assert stored["created_by"].startswith("operator:")
    assert vendor_a.get(VENDOR_PATH).json()["items"] == operator.get(OPERATOR_PATH).json()["items"] == [stored]
    body = {"column": "category", "values": {"Herren": "Clothing"}}
    for method, path in (
        ("GET", "/v1/operator/vendors/NOSUCH/value-mappings"),
        ("PUT", "/v1/operator/vendors/NOSUCH/value-mappings"),
        ("DELETE", f"/v1/operator/vendors/VENDB/value-mappings/{stored['value_mapping_id']}"),
        ("DELETE", f"{ALIASES_PATH}/{stored['value_mapping_id']}"),
    ):
        assert operator.request(method, path, json=body).status_code == 404, f"{method} {path}"
    assert operator.delete(f"{OPERATOR_PATH}/{stored['value_mapping_id']}").status_code == 204
    assert vendor_a.get(VENDOR_PATH).json()["items"] == []
    entries = operator.get("/v1/operator/audit-log", params={"vendor_id": "VENDA", "limit": 2}).json()["items"]
    assert [entry["action"] for entry in entries] == ["value_mapping_deleted", "value_mapped"]


def test_category_alias_applies_to_all_vendors_unless_they_have_their_own(
    connection: Connection, operator: httpx.Client, vendor_a: httpx.Client, vendor_b: httpx.Client
) -> None:
    [alias] = put(operator, ALIASES_PATH, Herren="Men's Clothing")
    assert operator.get(ALIASES_PATH).json()["items"] == [alias]
    assert vendor_a.get(VENDOR_PATH).json()["items"] == [], "aliases are not the vendor's own"
    put(vendor_a, herren="Clothing")
    assert load_value_mappings(connection, "VENDA") == {"category": {"herren": "Clothing"}}
    assert load_value_mappings(connection, "VENDB") == {"category": {"herren": "Men's Clothing"}}
    for client in (vendor_a, vendor_b):
        assert client.delete(f"{VENDOR_PATH}/{alias['value_mapping_id']}").status_code == 404
        assert client.get(ALIASES_PATH).status_code == 404
    assert operator.delete(f"{ALIASES_PATH}/{alias['value_mapping_id']}").status_code == 204
    assert load_value_mappings(connection, "VENDB") == {}


def test_category_alias_with_the_name_of_an_active_category_is_rejected(operator: httpx.Client) -> None:
    body = {"column": "category", "values": {" men's  CLOTHING": "Clothing"}}
    response = operator.put(ALIASES_PATH, json=body)
    assert response.status_code == 422
    assert (
        response.json()["detail"] == "'Men's Clothing' is an active category, so it cannot be an alias of another one."
    )


def test_category_with_the_name_of_an_alias_wins_while_it_is_active(
    connection: Connection, operator: httpx.Client
) -> None:
    put(operator, ALIASES_PATH, Menswear="Men's Clothing")
    created = operator.post("/v1/operator/categories", json={"category_name": "Menswear"})
    assert created.status_code == 201
    assert load_value_mappings(connection, "VENDA") == {}
    path = f"/v1/operator/categories/{created.json()['category_id']}"
    operator.patch(path, json={"is_active": False})
    assert load_value_mappings(connection, "VENDA") == {"category": {"menswear": "Men's Clothing"}}
    assert operator.patch(path, json={"is_active": True}).status_code == 200
    assert load_value_mappings(connection, "VENDA") == {}


def test_value_mapping_to_a_category_that_was_disabled_is_marked(
    connection: Connection, operator: httpx.Client, vendor_a: httpx.Client
) -> None:
    category = operator.post("/v1/operator/categories", json={"category_name": "Menswear"}).json()
    put(vendor_a, Herren="Menswear")
    operator.patch(f"/v1/operator/categories/{category['category_id']}", json={"is_active": False})
    [item] = vendor_a.get(VENDOR_PATH).json()["items"]
    assert (item["target"], item["is_active"]) == ("Menswear", False)
