"""Mappings over the API: those of a vendor, presets, and their use by upload sessions and dry runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from onboarding.files.presets import list_presets
from tests.support.api_clients import OPERATOR, forget_mappings, key_client, new_key, post_form, upload
from tests.support.running_pipeline import Pipeline, csv_of, product, wait_until

DOCUMENT: dict[str, Any] = {"columns": {"Artikel": {"columns": ["vendor_product_id", "sku"]}}}
HEADERS = ["Artikel", "Preis"]

FULL_DOCUMENT: dict[str, Any] = {
    "columns": {
        "Artikel": {"columns": ["vendor_product_id", "sku"], "number_format": None},
        "Gewicht": {
            "columns": ["weight_kg"],
            "number_format": {"decimal_sign": ",", "thousands_separator": ".", "remove": "g", "factor": "0.001"},
        },
        "Intern": {"columns": [], "number_format": None},
    },
    "constants": {"stock_quantity": "10"},
    "fill_down": {"group_header": "Artikel", "headers": ["Titel"], "key_header": ""},
    "first_address": ["Bilder"],
    "values": {"category": {"Herren": "Men's Clothing"}},
}


@pytest.fixture(autouse=True)
def _without_mappings(pipeline: Pipeline) -> Iterator[None]:
    """Forget the mappings of other tests before each test and its own after it."""
    forget_mappings(pipeline)
    yield
    forget_mappings(pipeline)


def create(client: httpx.Client, path: str = "/v1/mappings", **fields: Any) -> dict[str, Any]:
    """Create a mapping, by default for these headers and those of its document, and return the response."""
    headers = list(dict.fromkeys([*HEADERS, *fields.get("document", DOCUMENT)["columns"]]))
    response = client.post(path, json={"name": "Shop", "headers": headers, "document": DOCUMENT, **fields})
    assert response.status_code == 201, response.text
    mapping: dict[str, Any] = response.json()
    return mapping


def summary_of(mapping: dict[str, Any], *columns: str) -> dict[str, Any]:
    """Return what a list has of a mapping whose headers feed these columns."""
    fields = {name: value for name, value in mapping.items() if name != "document"}
    return fields | {"headers": len(mapping["document"]["columns"]), "columns": list(columns)}


def detail_of(response: httpx.Response, kind: str) -> str:
    """Return the detail of a problem of this type."""
    assert response.json()["type"] == f"/problems/{kind}", response.text
    return str(response.json()["detail"])


def test_vendor_creates_lists_changes_and_deletes_a_mapping(pipeline: Pipeline, vendor_a: httpx.Client) -> None:
    created = create(vendor_a, document=FULL_DOCUMENT)
    assert (created["version"], created["reference"]) == (1, f"{created['mapping_id']}/1")
    assert (created["name"], created["created_by"], created["document"]) == ("Shop", "vendor:VENDA", FULL_DOCUMENT)
    path = f"/v1/mappings/{created['mapping_id']}"
    assert vendor_a.get(path).json() == created
    summary = summary_of(created, "vendor_product_id", "sku", "weight_kg")
    assert vendor_a.get("/v1/mappings").json()["items"] == [summary]
    renamed = vendor_a.patch(path, json={"name": "Store"}).json()
    assert (renamed["name"], renamed["version"]) == ("Store", 1)
    with key_client(pipeline, new_key(vendor_a)["key"]) as program:
        changed = program.patch(path, json={"document": created["document"] | {"constants": {}}}).json()
    assert (changed["name"], changed["version"], changed["reference"]) == ("Store", 2, f"{created['mapping_id']}/2")
    assert changed["created_by"].startswith("key:")
    assert changed["document"]["constants"] == {}
    assert vendor_a.delete(path).status_code == 204
    assert vendor_a.get("/v1/mappings").json()["items"] == []
    for method in ("GET", "PATCH", "DELETE"):
        assert vendor_a.request(method, path, json={"name": "x"}).status_code == 404, method
    entries = pipeline.connection.execute(
        "select action, detail from audit_log where subject = %s and vendor_id = 'VENDA' order by entry_id",
        (created["mapping_id"],),
    ).fetchall()
    assert entries == [
        ("mapping_created", {"name": "Shop"}),
        ("mapping_updated", {"name": "Store", "version": 1}),
        ("mapping_updated", {"name": "Store", "version": 2}),
        ("mapping_deleted", {"name": "Store"}),
    ]


def test_create_mapping_for_the_same_headers_is_a_new_version(vendor_a: httpx.Client) -> None:
    first = create(vendor_a)
    second = create(
        vendor_a, name="Shop 2", headers=[" preis", "ARTIKEL"], document=DOCUMENT | {"constants": {"unit": "box"}}
    )
    assert (second["mapping_id"], second["version"], second["name"]) == (first["mapping_id"], 2, "Shop 2")


def test_create_mapping_with_the_name_of_another_one_conflicts(vendor_a: httpx.Client, vendor_b: httpx.Client) -> None:
    create(vendor_a)
    other = create(vendor_a, name="Other", headers=["Artikel", "X"])
    fields = {"name": "SHOP", "headers": ["Artikel", "Y"], "document": DOCUMENT}
    assert "'SHOP'" in detail_of(vendor_a.post("/v1/mappings", json=fields), "conflict")
    renamed = vendor_a.patch(f"/v1/mappings/{other['mapping_id']}", json={"name": "shop"})
    assert detail_of(renamed, "conflict") == "There is another mapping with the name 'shop'."
    assert create(vendor_b)["name"] == "Shop", "another vendor may use the same name"


def test_create_mapping_without_a_name_is_for_one_upload(vendor_a: httpx.Client) -> None:
    created = create(vendor_a, name=None, document=FULL_DOCUMENT)
    assert (created["name"], created["version"], created["document"]) == (None, 1, FULL_DOCUMENT)
    assert vendor_a.get("/v1/mappings").json()["items"] == []
    session = vendor_a.post("/v1/upload-sessions", json={"file_name": "x.csv", "mapping": created["reference"]}).json()
    assert session["form"]["fields"]["x-amz-meta-mapping"] == created["reference"]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"document": {"columns": {"A": {"columns": ["colour"]}}}}, "'colour' is not a column; the columns are"),
        (
            {"document": {"columns": {"A": {"columns": ["sku"]}, "B": {"columns": ["sku"]}}}},
            "Two headers cannot feed one column: 'A' and 'B' are both mapped to sku.",
        ),
        ({"document": {"columns": {"": {"columns": []}}}}, "A header has 1 to 100 characters."),
        ({"headers": []}, "A mapping that is remembered needs the headers of the files that it applies to."),
        ({"headers": ["Preis", "Art"]}, "`headers` lacks 'Artikel', which the document maps."),
        ({"name": "None"}, "A mapping's name has no '/' and is not 'none', which switches mappings off."),
        ({"name": "A/B"}, "A mapping's name has no '/' and is not 'none', which switches mappings off."),
        ({"name": "A\nB"}, "A mapping's name has 1 to 100 characters, and no control characters."),
    ],
)
def test_create_mapping_that_violates_a_rule_names_the_rule(
    vendor_a: httpx.Client, fields: dict[str, Any], sentence: str
) -> None:
    body = {"name": "Shop", "headers": HEADERS, "document": DOCUMENT, **fields}
    assert sentence in detail_of(vendor_a.post("/v1/mappings", json=body), "invalid-request")


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"columns": {"A": {"columns": ["sku"], "script": "x"}}}, "document.columns.A.script"),
        ({"columns": {"A": "sku"}}, "document.columns.A"),
        ({"column": {}}, "document.column"),
        ({"constants": {"brand": None}}, "document.constants.brand"),
        ({"values": {"category": {"\ud800": "Clothing"}}}, "document.values"),
    ],
)
def test_create_mapping_with_an_unknown_or_invalid_field_names_the_field(
    vendor_a: httpx.Client, document: dict[str, Any], field: str
) -> None:
    content = json.dumps({"name": "Shop", "headers": HEADERS, "document": document})
    response = vendor_a.post("/v1/mappings", content=content, headers={"Content-Type": "application/json"})
    assert response.json()["type"] == "/problems/invalid-request"
    assert response.json()["errors"][0]["field"].startswith(field)


def test_operator_manages_the_mappings_of_a_vendor(
    pipeline: Pipeline, operator: httpx.Client, vendor_a: httpx.Client, vendor_b: httpx.Client
) -> None:
    created = create(operator, "/v1/operator/vendors/VENDA/mappings")
    assert created["created_by"].startswith("operator:")
    summary = summary_of(created, "vendor_product_id", "sku")
    assert vendor_a.get("/v1/mappings").json()["items"] == [summary]
    assert vendor_b.get("/v1/mappings").json()["items"] == []
    path = f"/v1/operator/vendors/VENDA/mappings/{created['mapping_id']}"
    assert operator.get(path).json() == created
    assert operator.get("/v1/operator/vendors/VENDA/mappings").json()["items"] == [summary]
    assert operator.patch(path, json={"name": "Theirs"}).json()["name"] == "Theirs"
    of_other_vendor = f"/v1/operator/vendors/VENDB/mappings/{created['mapping_id']}"
    of_nobody = "/v1/operator/vendors/NOSUCH/mappings"
    for method, url in (
        *((method, of_other_vendor) for method in ("GET", "PATCH", "DELETE")),
        ("GET", of_nobody),
        ("POST", of_nobody),
        ("GET", f"{of_nobody}/{created['mapping_id']}"),
    ):
        body = {"name": "x", "headers": ["x"], "document": DOCUMENT}
        assert operator.request(method, url, json=body).status_code == 404, f"{method} {url}"
    assert operator.delete(path).status_code == 204
    assert vendor_a.get("/v1/mappings").json()["items"] == []
    entries = operator.get("/v1/operator/audit-log", params={"vendor_id": "VENDA", "limit": 3}).json()["items"]
    assert [entry["action"] for entry in entries] == ["mapping_deleted", "mapping_updated", "mapping_created"]


def test_operator_publishes_changes_and_deletes_a_preset(operator: httpx.Client, vendor_a: httpx.Client) -> None:
    path = "/v1/operator/mapping-presets"
    created = operator.post(path, json={"name": "Lightspeed", "document": FULL_DOCUMENT}).json()
    assert (created["name"], created["document"]) == ("Lightspeed", FULL_DOCUMENT)
    columns = ["vendor_product_id", "sku", "weight_kg"]
    assert operator.get(path).json()["items"] == [summary_of(created, *columns)]
    assert operator.get(f"{path}/{created['mapping_id']}").json() == created
    for client in (vendor_a, operator):
        presets = {item["name"]: item for item in client.get("/v1/mapping-presets").json()["items"]}
        assert presets["Lightspeed"] == {"name": "Lightspeed", "headers": 3, "columns": columns}
    assert operator.post(path, json={"name": "lightspeed", "document": DOCUMENT}).status_code == 409
    changed = operator.patch(f"{path}/{created['mapping_id']}", json={"name": "Retail", "document": DOCUMENT}).json()
    assert (changed["name"], changed["version"]) == ("Retail", 2)
    # A preset is not a mapping of the vendor.
    assert vendor_a.get("/v1/mappings").json()["items"] == []
    for reference in ("Retail", created["mapping_id"], changed["reference"]):
        response = vendor_a.post("/v1/upload-sessions", json={"file_name": "x.csv", "mapping": reference})
        assert "There is no mapping" in detail_of(response, "invalid-request")
    for method in ("GET", "PATCH", "DELETE"):
        address = f"/v1/mappings/{created['mapping_id']}"
        assert vendor_a.request(method, address, json={"name": "x"}).status_code == 404
    assert operator.delete(f"{path}/{created['mapping_id']}").status_code == 204
    assert operator.delete(f"{path}/{created['mapping_id']}").status_code == 404
    names = [item["name"] for item in vendor_a.get("/v1/mapping-presets").json()["items"]]
    assert "Retail" not in names


def test_presets_list_the_built_in_ones_first(operator: httpx.Client, vendor_a: httpx.Client) -> None:
    operator.post("/v1/operator/mapping-presets", json={"name": "AAA", "document": DOCUMENT})
    items = vendor_a.get("/v1/mapping-presets").json()["items"]
    assert [item["name"] for item in items] == [*(preset.name for preset in list_presets()), "AAA"]
    columns = {item["name"]: item["columns"] for item in items}
    assert "weight_kg" in columns["Shopify"]
    assert columns["AAA"] == ["vendor_product_id", "sku"]


def test_viewer_and_suspended_vendor_read_but_change_no_mappings(
    pipeline: Pipeline, operator: httpx.Client, vendor_a: httpx.Client
) -> None:
    mapping = create(vendor_a)
    set_role = "update operators set role = %s where email = %s"
    pipeline.connection.execute(set_role, ["viewer", OPERATOR])
    pipeline.connection.execute("update vendors set status = 'suspended' where vendor_id = 'VENDA'")
    try:
        for client, base in ((vendor_a, "/v1"), (operator, "/v1/operator/vendors/VENDA")):
            path = f"{base}/mappings/{mapping['mapping_id']}"
            assert client.get(f"{base}/mappings").json()["items"] == [summary_of(mapping, "vendor_product_id", "sku")]
            assert client.get(path).json() == mapping
            assert client.get(f"{base}/value-mappings").status_code == 200
            values = {"column": "category", "values": {"Men": "Clothing"}}
            statuses = [
                client.post(f"{base}/mappings", json={"document": DOCUMENT}).status_code,
                client.patch(path, json={"name": "x"}).status_code,
                client.delete(path).status_code,
                client.put(f"{base}/value-mappings", json=values).status_code,
                client.delete(f"{base}/value-mappings/1").status_code,
            ]
            assert statuses == [403] * 5
        for path in ("mapping-presets", "category-aliases"):
            assert operator.get(f"/v1/operator/{path}").status_code == 200
            assert operator.delete(f"/v1/operator/{path}/1").status_code == 403
    finally:
        pipeline.connection.execute(set_role, ["admin", OPERATOR])
        pipeline.connection.execute("update vendors set status = 'active' where vendor_id = 'VENDA'")


def test_upload_session_stores_the_reference_of_its_mapping(vendor_a: httpx.Client) -> None:
    mapping = create(vendor_a)
    references = {}
    for choice in ("shop", mapping["mapping_id"], f"{mapping['mapping_id']}/1", "NONE", None):
        session = vendor_a.post("/v1/upload-sessions", json={"file_name": "x.csv", "mapping": choice}).json()
        references[choice] = session["form"]["fields"].get("x-amz-meta-mapping")
    assert references == {
        "shop": mapping["reference"],
        mapping["mapping_id"]: mapping["reference"],
        mapping["reference"]: mapping["reference"],
        "NONE": "none",
        None: None,
    }


def test_repeated_request_returns_the_session_with_the_first_version_of_its_mapping(vendor_a: httpx.Client) -> None:
    mapping = create(vendor_a)
    path, key = f"/v1/mappings/{mapping['mapping_id']}", {"Idempotency-Key": mapping["mapping_id"]}

    def send(**fields: str) -> httpx.Response:
        body = {"file_name": "x.csv", "mapping": "Shop", **fields}
        return vendor_a.post("/v1/upload-sessions", json=body, headers=key)

    first = send().json()
    assert vendor_a.patch(path, json={"document": {"columns": {"Artikel": {"columns": []}}}}).json()["version"] == 2
    repeated = send().json()
    assert repeated["upload_session_id"] == first["upload_session_id"]
    fields = {name: value for name, value in repeated["form"]["fields"].items() if name.startswith("x-amz-meta-")}
    assert fields == {"x-amz-meta-mapping": mapping["reference"]}
    assert detail_of(send(mapping=mapping["mapping_id"]), "conflict").startswith("This Idempotency-Key was used")
    assert send(mode="update").status_code == 409
    assert vendor_a.delete(path).status_code == 204
    assert send().json()["upload_session_id"] == first["upload_session_id"]


@pytest.mark.parametrize("choice", ["Nowhere", "M000000000000", "M000000000000/1", "Shop/1", "/", "none/1"])
def test_upload_session_and_dry_run_with_an_unknown_mapping_name_it(vendor_a: httpx.Client, choice: str) -> None:
    create(vendor_a)
    sentence = f"There is no mapping '{choice}'. Use the name or id of a mapping, or 'none'."
    key = {"Idempotency-Key": f"unknown-{choice}"}
    session = vendor_a.post("/v1/upload-sessions", json={"file_name": "x.csv", "mapping": choice}, headers=key)
    assert detail_of(session, "invalid-request") == sentence
    corrected = vendor_a.post("/v1/upload-sessions", json={"file_name": "x.csv"}, headers=key)
    assert corrected.status_code == 201, "the key of a request with an error is free"
    dry_run = vendor_a.post("/v1/dry-runs", params={"mapping": choice}, content=csv_of([product("unmapped")]))
    assert detail_of(dry_run, "invalid-request") == sentence


def test_dry_run_with_an_invalid_document_says_what_is_wrong(vendor_a: httpx.Client) -> None:
    files = {"file": ("x.csv", csv_of([product("inline")]))}

    def send(document: str, **params: str) -> httpx.Response:
        return vendor_a.post("/v1/dry-runs", files=files, data={"mapping": document}, params=params)

    assert send(json.dumps(DOCUMENT)).status_code == 200
    assert send("").status_code == 200, "a blank field is no mapping"
    assert "either" in detail_of(send("{}", mapping="none"), "invalid-request")
    assert "not valid JSON" in detail_of(send("{"), "bad-request")
    assert "'colour' is not a column" in detail_of(
        send('{"columns": {"A": {"columns": ["colour"]}}}'), "invalid-request"
    )
    assert send('{"script": "x"}').json()["errors"][0]["field"] == "mapping.script"
    as_file = vendor_a.post("/v1/dry-runs", files=files | {"mapping": ("mapping.json", b"{}")})
    assert detail_of(as_file, "bad-request") == "The field `mapping` must be text, not a file."


SHOP_HEADERS = ("Artikel", "Titel", "Warengruppe", "VK", "Bestand")
SHOP_DOCUMENT: dict[str, Any] = {
    "columns": {
        "Artikel": {"columns": ["vendor_product_id", "sku"]},
        "Titel": {"columns": ["product_name"]},
        "Warengruppe": {"columns": ["category"]},
        "VK": {"columns": ["price"]},
        "Bestand": {"columns": ["stock_quantity"]},
    }
}


def shop_file(name: str, **cells: str) -> bytes:
    """Return a file with the headers of a shop: a product, and one with a category of the shop and an invalid price."""
    row = {"Artikel": name, "Titel": "Mouse", "Warengruppe": "Clothing", "VK": "19.99", "Bestand": "5"}
    rows = [row, {**row, "Artikel": f"{name}-2", "Warengruppe": "Herren", "VK": "-1"}]
    return csv_of([{**row, **cells} for row in rows], SHOP_HEADERS)


def test_dry_run_applies_a_mapping_by_headers_by_name_and_inline(vendor_a: httpx.Client) -> None:
    mapping = create(vendor_a, headers=SHOP_HEADERS, document=SHOP_DOCUMENT)
    vendor_a.put("/v1/value-mappings", json={"column": "category", "values": {"Herren": "Men's Clothing"}})
    content = shop_file("dry-mapped")
    files = {"file": ("shop.csv", content)}
    responses = {
        "headers": vendor_a.post("/v1/dry-runs", content=content).json(),
        "name": vendor_a.post("/v1/dry-runs", content=content, params={"mapping": "SHOP"}).json(),
        "document": vendor_a.post("/v1/dry-runs", files=files, data={"mapping": json.dumps(SHOP_DOCUMENT)}).json(),
    }
    reference = {name: mapping[name] for name in ("mapping_id", "version", "reference", "name")}
    for kind, body in responses.items():
        assert (body["failure_code"], body["valid_records"], body["error_records"]) == (None, 1, 1), kind
        assert body["mapping"] == (None if kind == "document" else reference), kind
        assert body["used_values"] == [
            {"column": "category", "value": "Herren", "target": "Men's Clothing", "rows": 1}
        ], kind
        assert body["headers"][0] == {
            "name": "Artikel",
            "columns": ["vendor_product_id", "sku"],
            "source": "mapping",
            "samples": ["dry-mapped", "dry-mapped-2"],
        }
        assert [(error["column"], error["header"]) for error in body["errors"]] == [("price", "VK")]
        assert (body["missing_columns"], body["unmapped_values"]) == ([], [])


def test_dry_run_without_a_mapping_returns_what_is_missing(vendor_a: httpx.Client) -> None:
    create(vendor_a, headers=SHOP_HEADERS, document=SHOP_DOCUMENT)
    content = shop_file("dry-unmapped").replace(b"VK", b"Pryce")
    body = vendor_a.post("/v1/dry-runs", content=content, params={"mapping": "none"}).json()
    assert (body["failure_code"], body["mapping"]) == ("MISSING_COLUMNS", None)
    closest = {column["column"]: column["closest"] for column in body["missing_columns"]}
    assert closest["price"] == "Pryce"
    assert closest["vendor_product_id"] == ""
    assert {column["column"]: column["label"] for column in body["missing_columns"]}["price"] == "Price"
    headers = {header["name"]: (header["columns"], header["source"]) for header in body["headers"]}
    assert headers["Pryce"] == ([], "unknown")
    assert list(headers) == [name.replace("VK", "Pryce") for name in SHOP_HEADERS]


def test_dry_run_lists_values_without_a_mapping(vendor_a: httpx.Client) -> None:
    rows = [product(f"unmapped-{n}", category="Cloting") for n in range(3)]
    body = vendor_a.post("/v1/dry-runs", content=csv_of([*rows, product("listed-values")])).json()
    assert body["unmapped_values"] == [{"column": "category", "value": "Cloting", "rows": 3, "suggestion": "Clothing"}]


def test_dry_run_lists_statuses_after_categories(vendor_a: httpx.Client) -> None:
    statuses = ("inactive", "Draft", "draft", "hidden", "blocked", "")
    rows = [product(f"unmapped-status-{n}", status=status) for n, status in enumerate(statuses)]
    body = vendor_a.post("/v1/dry-runs", content=csv_of([*rows, product("unmapped-status", category="Cloting")])).json()
    assert [(item["column"], item["value"], item["rows"], item["suggestion"]) for item in body["unmapped_values"]] == [
        ("category", "Cloting", 1, "Clothing"),
        ("status", "Draft", 2, ""),
        ("status", "hidden", 1, ""),
    ]
    assert body["error_records"] == 5, "only an operator blocks products"


def test_statuses_of_a_mapping_are_translated_in_dry_run_and_upload(pipeline: Pipeline, vendor_a: httpx.Client) -> None:
    document = {
        "columns": {"Published": {"columns": ["status"]}},
        "values": {"status": {"1": "active", "0": "inactive"}},
    }
    mapping = create(vendor_a, name=None, document=document)
    rows = [product(f"published-{n}", status=status) for n, status in enumerate(("1", "0", "-1"))]
    content = csv_of(rows).replace(b"status", b"Published")
    params = {"mapping": mapping["reference"]}
    dry_run = vendor_a.post("/v1/dry-runs", params=params, content=content).json()
    assert [(error["row_number"], error["error_type"]) for error in dry_run["errors"]] == [(3, "INVALID_STATUS")]
    finished = upload(vendor_a, pipeline, content, mapping=mapping["reference"])
    assert (finished.valid_records, finished.error_records) == (2, 1)
    query = "select status from products where upload_id = %s order by row_number"
    statuses = pipeline.connection.execute(query, (finished.upload_id,)).fetchall()
    assert statuses == [("active",), ("inactive",)]


def test_upload_with_a_mapping_shows_what_it_used(
    pipeline: Pipeline, vendor_a: httpx.Client, operator: httpx.Client
) -> None:
    document = SHOP_DOCUMENT | {"values": {"category": {"Herren": "Men's Clothing"}}}
    mapping = create(vendor_a, name=None, document=document)
    finished = upload(vendor_a, pipeline, shop_file("once"), mapping=mapping["reference"])
    assert (finished.valid_records, finished.error_records) == (1, 1)
    path = f"/v1/uploads/{finished.upload_id}"
    for client in (vendor_a, operator):
        details = client.get(f"{path}/file-details").json()
        assert details["mapping"] == {name: mapping[name] for name in ("mapping_id", "version", "reference", "name")}
        assert details["used_values"] == [
            {"column": "category", "value": "Herren", "target": "Men's Clothing", "rows": 1}
        ]
        assert details["missing_columns"] == []
        assert details["details"]["columns"]["Artikel"] == "vendor_product_id, sku"
    [error] = vendor_a.get(f"{path}/errors").json()["items"]
    assert (error["column"], error["header"]) == ("price", "VK")
    # A mapping without a name applies to no other file.
    assert vendor_a.post("/v1/dry-runs", content=shop_file("twice")).json()["mapping"] is None


def test_upload_uses_the_version_of_its_session(pipeline: Pipeline, vendor_a: httpx.Client) -> None:
    mapping = create(vendor_a, headers=SHOP_HEADERS, document=SHOP_DOCUMENT)
    session = vendor_a.post("/v1/upload-sessions", json={"file_name": "shop.csv", "mapping": "Shop"}).json()
    changed = SHOP_DOCUMENT["columns"] | {"Titel": {"columns": ["brand"]}}
    vendor_a.patch(f"/v1/mappings/{mapping['mapping_id']}", json={"document": {"columns": changed}})
    assert vendor_a.delete(f"/v1/mappings/{mapping['mapping_id']}").status_code == 204
    assert post_form(session, shop_file("versioned")).status_code == 201

    def get_upload_id() -> str | None:
        body = vendor_a.get(session["status_url"]).json()
        return body["upload"]["upload_id"] if body["upload"] else None

    finished = pipeline.finished(wait_until(get_upload_id, "the upload of the session"))
    details = vendor_a.get(f"/v1/uploads/{finished.upload_id}/file-details").json()
    assert details["mapping"]["reference"] == mapping["reference"]
    assert pipeline.products(finished.upload_id)[0]["product_name"] == "Mouse"


def test_file_details_of_a_file_without_required_columns_name_them(pipeline: Pipeline, vendor_a: httpx.Client) -> None:
    content = csv_of([product("incomplete")]).replace(b"stock_quantity", b"stock_quantitty", 1)
    finished = upload(vendor_a, pipeline, content)
    details = vendor_a.get(f"/v1/uploads/{finished.upload_id}/file-details").json()
    assert details["missing_columns"] == [
        {"column": "stock_quantity", "label": "Stock quantity", "closest": "stock_quantitty"}
    ]
    assert (details["mapping"], details["used_values"]) == (None, [])


def test_errors_name_the_header_of_the_file(pipeline: Pipeline, vendor_a: httpx.Client) -> None:
    rows = [product(f"header-{n}", price="-1", stock_quantity="x") for n in range(2)]
    content = csv_of(rows).replace(b"price,", b"Price,", 1).replace(b"stock_quantity", b"Qty", 1)
    dry_run = vendor_a.post("/v1/dry-runs", content=content).json()
    finished = upload(vendor_a, pipeline, content)
    errors = vendor_a.get(f"/v1/uploads/{finished.upload_id}/errors").json()
    summary = vendor_a.get(f"/v1/uploads/{finished.upload_id}/summary").json()
    for items in (dry_run["errors"], dry_run["summary"]["groups"], errors["items"], summary["groups"]):
        headers = {item["column"]: item["header"] for item in items}
        assert headers == {"price": "Price", "stock_quantity": "Qty"}
    own_names = vendor_a.post("/v1/dry-runs", content=csv_of([product("own-headers", price="-1")])).json()
    assert [error["header"] for error in own_names["errors"]] == [""]
