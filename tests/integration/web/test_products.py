"""The catalog over the API: search, history, edits, status, and blocks by operators."""

from __future__ import annotations

import re
import secrets
from contextlib import closing
from string import ascii_lowercase
from typing import Any

import httpx
import pytest

from onboarding.domain.models import Upload
from onboarding.failpoints import Failpoint, set_listener
from onboarding.web.product_queries import VENDOR_SUSPENDED
from tests.support.api_clients import OPERATOR, finish_session, key_client, new_key, signed_in, upload
from tests.support.isolation_attempts import running_app, send_to_app
from tests.support.running_pipeline import Pipeline, csv_of, product


def list_products(client: httpx.Client, **params: Any) -> list[dict[str, Any]]:
    response = client.get("/v1/products", params=params)
    assert response.status_code == 200, response.text
    items: list[dict[str, Any]] = response.json()["items"]
    return items


def get_product(client: httpx.Client, product_id: int) -> dict[str, Any]:
    response = client.get(f"/v1/products/{product_id}")
    assert response.status_code == 200, response.text
    result: dict[str, Any] = response.json()
    return result


def list_history(client: httpx.Client, product_id: int) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = client.get(f"/v1/products/{product_id}/history").json()["items"]
    return items


def send_edit(
    client: httpx.Client, product_id: int, values: dict[str, Any], version: str | None = None, **headers: str
) -> httpx.Response:
    body = {"values": values} | ({"version": version} if version else {})
    return client.patch(f"/v1/products/{product_id}", json=body, headers=headers)


def edit(client: httpx.Client, pipeline: Pipeline, product_id: int, **values: Any) -> Upload:
    """Edit a product; return the finished upload."""
    response = send_edit(client, product_id, values)
    assert response.status_code == 202, response.text
    return finish_session(client, pipeline, response.json())


def send_page_form(client: httpx.Client, page: str, action: str) -> str:
    """Send a form without fields; return the page that follows."""
    response = client.post(page + action)
    assert response.status_code == 303, response.text
    return client.get(response.headers["location"]).text


def list_problems(response: httpx.Response) -> list[tuple[str, str]]:
    """Return the error type and the field of each error of an edit."""
    assert (response.status_code, response.json()["type"]) == (422, "/problems/invalid-rows"), response.text
    return [(error["error_type"], error["field"]) for error in response.json()["errors"]]


class Products:
    """Products of VENDA whose names have a word of their own."""

    def __init__(self, pipeline: Pipeline, vendor: httpx.Client) -> None:
        self.pipeline = pipeline
        self.vendor = vendor
        self.word = f"w{secrets.token_hex(4)}"
        self._files = 0

    def create(self, *rows: dict[str, str]) -> list[int]:
        """Upload a file with these products; return their ids."""
        self._files += 1
        names = [f"{self.word}-{self._files}{letter}" for letter, _ in zip(ascii_lowercase, rows, strict=False)]
        content = csv_of([product(name, **cells) for name, cells in zip(names, rows, strict=True)])
        self.upload = upload(self.vendor, self.pipeline, content, f"{self.word}.csv")
        assert self.upload.error_records == 0
        return [item["product_id"] for item in self.pipeline.products(self.upload.upload_id)]


@pytest.fixture
def products(pipeline: Pipeline, vendor_a: httpx.Client) -> Products:
    return Products(pipeline, vendor_a)


@pytest.fixture
def product_id(products: Products) -> int:
    [created] = products.create({})
    return created


def test_search_finds_words_and_beginnings_of_name_sku_and_id(products: Products, vendor_a: httpx.Client) -> None:
    word = products.word
    red, blue = products.create({"product_name": f"Ruby Lamp {word}"}, {"product_name": f"Azure lamp, {word}"})
    sku = get_product(vendor_a, red)["sku"]
    for search, expected in {
        word: [red, blue],
        f"lamp {word.upper()}": [red, blue],
        f"{word} rub": [red],
        f"{word} uby": [],
        f"Azure, lamp! ({word})": [blue],
        sku: [red],
        get_product(vendor_a, blue)["vendor_product_id"]: [blue],
        f"{word} ' \" & | :* \\ <->": [red, blue],
        f"{word} nothing": [],
    }.items():
        assert [item["product_id"] for item in list_products(vendor_a, search=search)] == expected, search


def test_filters_and_pages_list_each_product_once(
    products: Products, vendor_a: httpx.Client, operator: httpx.Client
) -> None:
    word = products.word
    ids = products.create({}, {"category": "Books"}, {"status": "inactive"}, {}, {})

    def list_ids(client: httpx.Client = vendor_a, **params: Any) -> list[int]:
        return [item["product_id"] for item in list_products(client, search=word, **params)]

    assert list_ids(category="Books") == [ids[1]]
    assert list_ids(status="inactive") == [ids[2]]
    assert list_ids(status="blocked") == []
    assert list_ids(upload_id=products.upload.upload_id) == ids
    assert list_ids(upload_id="UPLOAD_20260101_000000_00000000") == []
    assert list_ids(operator, vendor_id="VENDA") == list_ids(operator) == ids
    assert list_ids(operator, vendor_id="VENDB") == list_ids(vendor_a, vendor_id="VENDB") == []
    for client in (vendor_a, operator):
        pages, cursor = [], None
        while True:
            params = httpx.QueryParams({"search": word, "limit": 2})
            params = params.set("cursor", cursor) if cursor else params
            page = client.get("/v1/products", params=params).json()
            pages.append([item["product_id"] for item in page["items"]])
            cursor = page["next"]
            if cursor is None:
                break
        assert pages == [ids[:2], ids[2:4], ids[4:]]
        assert client.get("/v1/products/count", params={"search": word}).json() == {"count": 5, "is_more": False}
    for invalid in ({"status": "gone"}, {"limit": 0}, {"search": "\0"}):
        assert vendor_a.get("/v1/products", params=invalid).status_code == 422
    for cursor in ("x", "AAAA"):
        assert vendor_a.get("/v1/products", params={"cursor": cursor}).status_code == 400


def test_count_stops_at_the_maximum(
    products: Products, vendor_a: httpx.Client, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    products.create({}, {}, {})
    monkeypatch.setattr("onboarding.web.product_queries.MAX_COUNT", 2)
    with running_app(pipeline) as app:
        path = f"/v1/products/count?search={products.word}"
        assert send_to_app(app, vendor_a, "GET", path).json() == {"count": 2, "is_more": True}


def test_product_has_all_values_and_its_source(products: Products, vendor_a: httpx.Client, product_id: int) -> None:
    shown = get_product(vendor_a, product_id)
    assert shown["vendor_id"] == "VENDA"
    assert (shown["upload_id"], shown["row_number"]) == (products.upload.upload_id, 1)
    assert (shown["price"], shown["weight_kg"], shown["stock_quantity"]) == ("19.99", "0.250", 150)
    assert (shown["compare_at_price"], shown["status"], shown["block_reason"]) == (None, "active", None)
    assert re.fullmatch("v[0-9a-f]+", shown["version"])
    for missing in (2**62, 999_999_999):
        assert vendor_a.get(f"/v1/products/{missing}").status_code == 404
        assert vendor_a.get(f"/v1/products/{missing}/history").status_code == 404


def test_edit_is_an_upload_that_the_history_names(
    products: Products, pipeline: Pipeline, vendor_a: httpx.Client, operator: httpx.Client, product_id: int
) -> None:
    before = get_product(vendor_a, product_id)
    edited = edit(vendor_a, pipeline, product_id, price="12.5", brand=None, stock_quantity=3, description="Two\nlines")
    assert (edited.mode, edited.total_records, edited.updated_records) == ("update", 1, 1)
    assert edited.file_name == f"Edit of {before['vendor_product_id']}.csv"
    after = get_product(vendor_a, product_id)
    assert (after["price"], after["brand"], after["stock_quantity"]) == ("12.50", None, 3)
    assert after["description"] == "Two\nlines"
    assert after["version"] != before["version"]
    for client in (vendor_a, operator):
        changed, created = list_history(client, product_id)
        assert (changed["event_type"], created["event_type"]) == ("updated", "created")
        assert (created["file_name"], created["row_number"], created["spreadsheet_row"]) == (
            products.upload.file_name, 1, 2,
        )  # fmt: skip
        assert (changed["upload_id"], changed["upload_rows"]) == (edited.upload_id, 1)
        assert changed["actor"] == created["actor"] == before["vendor_name"]
        assert [(change["column"], change["old"], change["new"]) for change in changed["changes"]] == [
            ("description", "Ergonomic wireless mouse", "Two\nlines"),
            ("brand", "TechGear", None),
            ("price", "19.99", "12.50"),
            ("stock_quantity", "150", "3"),
        ]
    assert vendor_a.post(f"/v1/uploads/{edited.upload_id}/undo").json()["restored"] == 1
    restored = get_product(vendor_a, product_id)
    assert restored | {"updated_at": 0} == before | {"updated_at": 0}
    undone, changed, _ = list_history(vendor_a, product_id)
    assert (undone["event_type"], undone["actor"]) == ("undone", before["vendor_name"])
    assert (changed["is_undone"], undone["is_undone"]) == (True, False)
    assert {change["column"]: change["new"] for change in undone["changes"]}["price"] == "19.99"


def test_edit_of_values_that_look_like_formulas_or_paths_stores_them(
    products: Products, pipeline: Pipeline, vendor_a: httpx.Client
) -> None:
    name = f"-A/\u00e4 {products.word}"
    [product_id] = products.create({"vendor_product_id": name})
    assert get_product(vendor_a, product_id)["vendor_product_id"] == name
    edited = edit(vendor_a, pipeline, product_id, brand="+ 5 % more", description="@home; 'quoted', \"twice\"")
    assert edited.file_name == f"Edit of -A_\u00e4_{products.word}.csv"
    shown = get_product(vendor_a, product_id)
    assert (shown["brand"], shown["description"]) == ("+ 5 % more", "@home; 'quoted', \"twice\"")
    for text in ("", "  "):
        edit(vendor_a, pipeline, product_id, brand=text)
        assert get_product(vendor_a, product_id)["brand"] is None


def test_history_names_keys_the_bucket_and_operators_only_to_operators(
    pipeline: Pipeline, vendor_a: httpx.Client, operator: httpx.Client
) -> None:
    name = f"actors-{secrets.token_hex(4)}"
    put = pipeline.run("VENDA", f"{name}.csv", csv_of([product(name)]))
    [product_id] = [item["product_id"] for item in pipeline.products(put.upload_id)]
    with key_client(pipeline, new_key(vendor_a)["key"]) as program:
        edit(program, pipeline, product_id, price="2.00")
    edit(operator, pipeline, product_id, price="3.00")
    assert [event["actor"] for event in list_history(vendor_a, product_id)] == [
        "The marketplace",
        "API key \u2039for a test\u203a",
        "File in the bucket",
    ]
    assert list_history(operator, product_id)[0]["actor"] == OPERATOR


def test_edit_with_errors_changes_nothing_and_names_them(
    products: Products, pipeline: Pipeline, vendor_a: httpx.Client, product_id: int
) -> None:
    before = get_product(vendor_a, product_id)
    response = send_edit(vendor_a, product_id, {"price": "free", "category": "Elektronics", "brand": "x"})
    assert list_problems(response) == [("INVALID_PRICE", "values.price"), ("INVALID_CATEGORY", "values.category")]
    [category] = [error for error in response.json()["errors"] if error["column"] == "category"]
    assert (category["suggestion"], category["product_id"]) == ("Electronics", product_id)
    assert category["vendor_product_id"] == before["vendor_product_id"]
    cleared = send_edit(vendor_a, product_id, {"product_name": None})
    assert list_problems(cleared) == [("CANNOT_BE_CLEARED", "values.product_name")]
    invalid_values = ({"vendor_product_id": "x"}, {"price": 1.5}, {"brand": "\0"}, {"unit": True}, {"price": 2**31})
    for invalid in ({}, *invalid_values, {"brand": "x" * 10_001}, {"brand": ["x"]}):
        problem = send_edit(vendor_a, product_id, invalid).json()
        fields = [error["field"] for error in problem["errors"]]
        expected = ".".join(["values", *invalid])
        assert (problem["type"], fields) == ("/problems/invalid-request", [expected]), invalid
    assert send_edit(vendor_a, product_id, {"price": "1"}, version="now").status_code == 422
    assert send_edit(vendor_a, 999_999_999, {"price": "1"}).status_code == 404
    assert get_product(vendor_a, product_id) == before
    assert len(list_history(vendor_a, product_id)) == 1


def test_edit_of_an_older_version_is_stale_unless_it_changes_nothing(
    products: Products, pipeline: Pipeline, vendor_a: httpx.Client, product_id: int
) -> None:
    first = get_product(vendor_a, product_id)["version"]
    edit(vendor_a, pipeline, product_id, price="5.00")
    assert list_problems(send_edit(vendor_a, product_id, {"price": "6.00"}, first)) == [("STALE_ROW", "version")]
    same = send_edit(vendor_a, product_id, {"price": "5.00"}, first)
    assert finish_session(vendor_a, pipeline, same.json()).unchanged_records == 1
    current = get_product(vendor_a, product_id)["version"]
    accepted = send_edit(vendor_a, product_id, {"price": "6.00"}, current)
    assert finish_session(vendor_a, pipeline, accepted.json()).updated_records == 1


def test_status_of_several_products_is_set_by_one_upload(
    products: Products, pipeline: Pipeline, vendor_a: httpx.Client, vendor_b: httpx.Client, operator: httpx.Client
) -> None:
    ids = products.create({}, {}, {})
    body = {"product_ids": [*ids, ids[0]], "status": "inactive"}
    finished = finish_session(vendor_a, pipeline, vendor_a.post("/v1/products/status", json=body).json())
    assert (finished.total_records, finished.updated_records) == (3, 3)
    assert finished.file_name == "Edits of 3 products.csv"
    assert {get_product(vendor_a, product_id)["status"] for product_id in ids} == {"inactive"}
    response = operator.post("/v1/products/status", json={"product_ids": ids[:2], "status": "active"})
    assert finish_session(operator, pipeline, response.json()).updated_records == 2
    other = upload(vendor_b, pipeline, csv_of([product(f"other-{products.word}")]))
    [other_id] = [item["product_id"] for item in pipeline.products(other.upload_id)]
    mixed = {"product_ids": [*ids, other_id], "status": "inactive"}
    assert operator.post("/v1/products/status", json=mixed).json()["type"] == "/problems/bad-request"
    assert vendor_a.post("/v1/products/status", json=mixed).status_code == 404
    for invalid in (
        {"product_ids": [], "status": "active"},
        {"product_ids": ids, "status": "blocked"},
        {"product_ids": list(range(1, 502)), "status": "active"},
        {"product_ids": [True], "status": "active"},
    ):
        assert vendor_a.post("/v1/products/status", json=invalid).status_code == 422
    assert get_product(vendor_b, other_id)["status"] == "active"


def test_repeated_edit_with_the_same_key_makes_one_upload(
    products: Products, pipeline: Pipeline, vendor_a: httpx.Client, product_id: int
) -> None:
    headers = {"Idempotency-Key": secrets.token_hex(8)}
    version = get_product(vendor_a, product_id)["version"]
    first = send_edit(vendor_a, product_id, {"price": "7.00"}, version, **headers)
    finish_session(vendor_a, pipeline, first.json())
    edit(vendor_a, pipeline, product_id, price="8.00")
    # The product has changed since, but the request was accepted before.
    repeated = send_edit(vendor_a, product_id, {"price": "7.00"}, version, **headers)
    assert (repeated.status_code, repeated.json()) == (202, first.json())
    assert send_edit(vendor_a, product_id, {"price": "9.00"}, version, **headers).status_code == 409
    assert vendor_a.post("/v1/upload-sessions", json={"file_name": "x.csv"}, headers=headers).status_code == 409
    assert get_product(vendor_a, product_id)["price"] == "8.00"
    assert [event["event_type"] for event in list_history(vendor_a, product_id)] == ["updated", "updated", "created"]


class ProcessDied(BaseException):
    """Ends a request like the death of its process."""


@pytest.mark.parametrize("step", [Failpoint.EDIT_SESSION_OPENED, Failpoint.EDIT_FILE_WRITTEN])
def test_edit_interrupted_at_any_step_is_completed_once(
    products: Products, pipeline: Pipeline, vendor_a: httpx.Client, product_id: int, step: Failpoint
) -> None:
    key = secrets.token_hex(8)
    version = get_product(vendor_a, product_id)["version"]
    body = {"values": {"price": "4.00"}, "version": version}

    def die(name: Failpoint) -> None:
        if name is step:
            raise ProcessDied

    client_headers = {"Idempotency-Key": key}
    with running_app(pipeline) as app:
        app.state.pool.ctx.__dict__["s3"] = pipeline.s3
        set_listener(die)
        try:
            with pytest.raises(ProcessDied):
                send_to_app(app, vendor_a, "PATCH", f"/v1/products/{product_id}", json=body, headers=client_headers)
        finally:
            set_listener(None)
    responses = [send_edit(vendor_a, product_id, {"price": "4.00"}, version, **client_headers) for _ in range(2)]
    assert [response.status_code for response in responses] == [202, 202]
    [session] = {response.json()["upload_session_id"] for response in responses}
    finished = finish_session(vendor_a, pipeline, responses[0].json())
    assert (finished.updated_records, finished.s3_key.split("/")[2]) == (1, session)
    count = pipeline.connection.execute(
        "select count(*) from upload_history where s3_key like %s", (f"%/{session}/%",)
    ).fetchone()
    assert count == (1,)
    assert get_product(vendor_a, product_id)["price"] == "4.00"


def test_accepted_edit_sends_no_email(
    products: Products, pipeline: Pipeline, vendor_a: httpx.Client, product_id: int
) -> None:
    edited = edit(vendor_a, pipeline, product_id, price="11.00")
    # A later upload uses the same topic: an e-mail about the edit would arrive before its e-mail.
    products.create({})
    assert pipeline.emails(edited.upload_id) == []


def test_rejected_edit_sends_an_email(products: Products, pipeline: Pipeline, vendor_a: httpx.Client) -> None:
    [product_id] = products.create({})
    # The check accepts the edit, and the product changes before the file is written.
    version = get_product(vendor_a, product_id)["version"]

    def change_product(name: Failpoint) -> None:
        if name is Failpoint.EDIT_SESSION_OPENED:
            set_listener(None)
            pipeline.connection.execute("update products set stock_quantity = 1 where product_id = %s", (product_id,))

    with running_app(pipeline) as app:
        set_listener(change_product)
        try:
            body = {"values": {"price": "4.00"}, "version": version}
            response = send_to_app(app, vendor_a, "PATCH", f"/v1/products/{product_id}", json=body)
        finally:
            set_listener(None)
    finished = finish_session(vendor_a, pipeline, response.json())
    assert [error_type for _, error_type, _ in pipeline.errors(finished.upload_id)] == ["STALE_ROW"]
    assert "Invalid records: 1 (100.0%)" in pipeline.email(finished.upload_id).text
    assert get_product(vendor_a, product_id)["price"] == "19.99"


def test_blocked_product_cannot_be_put_on_sale_by_the_vendor(
    products: Products, pipeline: Pipeline, vendor_a: httpx.Client, operator: httpx.Client, product_id: int
) -> None:
    edit(vendor_a, pipeline, product_id, status="inactive")
    block = f"/v1/operator/products/{product_id}/block"
    assert operator.post(block, json={"reason": " "}).status_code == 422
    blocked = operator.post(block, json={"reason": "Recalled by the maker"})
    assert (blocked.status_code, blocked.json()["status"]) == (200, "blocked")
    assert operator.post(block, json={"reason": "again"}).status_code == 409
    assert get_product(vendor_a, product_id)["block_reason"] == "Recalled by the maker"
    [blocked_event, *_] = list_history(vendor_a, product_id)
    assert (blocked_event["event_type"], blocked_event["actor"]) == ("blocked", "The marketplace")
    assert (blocked_event["reason"], blocked_event["upload_id"]) == ("Recalled by the maker", None)
    assert list_history(operator, product_id)[0]["actor"] == OPERATOR
    for status in ("active", "inactive"):
        response = send_edit(vendor_a, product_id, {"status": status})
        assert list_problems(response) == [("PRODUCT_BLOCKED", "values.status")]
        body = {"product_ids": [product_id], "status": status}
        assert list_problems(vendor_a.post("/v1/products/status", json=body)) == [
            ("PRODUCT_BLOCKED", "product_ids.0")
        ]  # fmt: skip
    for method in ("POST", "DELETE"):
        assert vendor_a.request(method, block).status_code == 404
    assert operator.delete(block).status_code == 204
    assert operator.delete(block).status_code == 404
    unblocked = get_product(vendor_a, product_id)
    assert (unblocked["status"], unblocked["block_reason"]) == ("inactive", None)
    events = [(event["event_type"], event["reason"]) for event in list_history(vendor_a, product_id)]
    assert events[:2] == [("unblocked", None), ("blocked", "Recalled by the maker")]


def test_upload_before_a_block_can_be_undone_after_it(
    products: Products, pipeline: Pipeline, vendor_a: httpx.Client, operator: httpx.Client, product_id: int
) -> None:
    edited = edit(vendor_a, pipeline, product_id, price="99.00")
    block = f"/v1/operator/products/{product_id}/block"
    operator.post(block, json={"reason": "Check"})
    operator.delete(block)
    result = vendor_a.post(f"/v1/uploads/{edited.upload_id}/undo").json()
    assert (result["restored"], result["skipped"]) == (1, [])
    shown = get_product(vendor_a, product_id)
    assert (shown["price"], shown["status"]) == ("19.99", "active")


def test_undo_of_a_blocked_product_is_skipped_with_the_reason(
    products: Products, pipeline: Pipeline, vendor_a: httpx.Client, operator: httpx.Client, product_id: int
) -> None:
    edited = edit(vendor_a, pipeline, product_id, price="99.00")
    operator.post(f"/v1/operator/products/{product_id}/block", json={"reason": "Check"})
    result = vendor_a.post(f"/v1/uploads/{edited.upload_id}/undo").json()
    assert [item["reason"] for item in result["skipped"]] == ["The marketplace has blocked it"]
    assert get_product(vendor_a, product_id)["status"] == "blocked"
    # A repeated undo has the result of the first one.
    page = send_page_form(vendor_a, f"/uploads/{edited.upload_id}", "/undo")
    assert "1 product that changed after this upload was left unchanged." in page


def test_upload_page_of_an_edit_shows_labels_and_no_details_of_a_file(
    pipeline: Pipeline, vendor_a: httpx.Client, product_id: int
) -> None:
    edited = edit(vendor_a, pipeline, product_id, status="inactive")
    page = vendor_a.get(f"/uploads/{edited.upload_id}").text
    [change] = re.findall(r"Status: [^\n]+", page)
    assert re.sub(r"<.*?>", "", change) == "Status: On sale → changed to  Off sale"
    assert "File details" not in page
    page = send_page_form(vendor_a, f"/uploads/{edited.upload_id}", "/undo")
    assert "Upload undone." in page
    assert "left unchanged" not in page.split("Upload undone.")[1].split("</p>")[0]


def test_list_page_of_any_vendor_id_shows_no_products(operator: httpx.Client) -> None:
    for vendor_id in ("Tech Gear", "NOBODY"):
        response = operator.get("/products", params={"vendor_id": vendor_id})
        assert (response.status_code, "No products match." in response.text) == (200, True)
    assert operator.get("/uploads", params={"vendor_id": "Tech Gear"}).status_code == 200
    assert operator.get("/products", params={"vendor_id": "x" * 51}).status_code == 422


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/products/status", "/products"),
        ("/products/{}/status", "/products/{}"),
        ("/products/{}/undo", "/products/{}"),
        ("/operator/products/{}/block", "/products/{}"),
        ("/operator/products/{}/unblock", "/products/{}"),
    ],
)
def test_address_of_a_form_redirects_to_its_page(
    operator: httpx.Client, product_id: int, path: str, expected: str
) -> None:
    response = operator.get(path.format(product_id))
    assert (response.status_code, response.headers["location"]) == (303, expected.format(product_id))


def test_suspended_vendor_may_only_read_its_products(pipeline: Pipeline, operator: httpx.Client) -> None:
    name = f"suspended-{secrets.token_hex(4)}"
    with closing(signed_in(pipeline, pipeline.vendor("CATSUSP"))) as client:
        created = pipeline.run("CATSUSP", f"{name}.csv", csv_of([product(name)]))
        [product_id] = [item["product_id"] for item in pipeline.products(created.upload_id)]
        operator.patch("/v1/operator/vendors/CATSUSP", json={"status": "suspended"})
        assert get_product(client, product_id)["price"] == "19.99"
        for response in (
            send_edit(client, product_id, {"price": "1.00"}),
            client.post("/v1/products/status", json={"product_ids": [product_id], "status": "inactive"}),
        ):
            assert (response.status_code, response.json()["type"]) == (403, "/problems/account-suspended")
        # An operator cannot upload for it either.
        for response in (
            send_edit(operator, product_id, {"price": "1.00"}),
            operator.post("/v1/products/status", json={"product_ids": [product_id], "status": "inactive"}),
        ):
            assert (response.status_code, response.json()["type"]) == (409, "/problems/conflict")
            assert response.json()["detail"] == VENDOR_SUSPENDED
        page = client.get(f"/products/{product_id}")
        assert "Edit product" not in page.text
        assert "Take off sale" not in page.text + client.get("/products").text


def test_products_of_another_vendor_are_not_found(
    products: Products, pipeline: Pipeline, vendor_b: httpx.Client, product_id: int
) -> None:
    assert list_products(vendor_b, search=products.word) == []
    assert vendor_b.get("/v1/products/count", params={"search": products.word}).json()["count"] == 0
    assert list_products(vendor_b, upload_id=products.upload.upload_id) == []
    for response in (
        vendor_b.get(f"/v1/products/{product_id}"),
        vendor_b.get(f"/v1/products/{product_id}/history"),
        send_edit(vendor_b, product_id, {"price": "1.00"}),
        vendor_b.post("/v1/products/status", json={"product_ids": [product_id], "status": "inactive"}),
        vendor_b.get(f"/products/{product_id}"),
        vendor_b.get("/products", params={"upload_id": products.upload.upload_id}),
    ):
        assert response.status_code == 404


@pytest.mark.parametrize("text", ["", "  ", "-", "N/A", "null"])
def test_edit_with_a_blank_text_or_a_placeholder_clears_the_column(
    product_id: int, vendor_a: httpx.Client, pipeline: Pipeline, text: str
) -> None:
    assert get_product(vendor_a, product_id)["brand"] == "TechGear"
    edit(vendor_a, pipeline, product_id, brand=text)
    assert get_product(vendor_a, product_id)["brand"] is None
    assert list_problems(send_edit(vendor_a, product_id, {"product_name": text}))[0][1] == "values.product_name"
