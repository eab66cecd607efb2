"""Operators' pages for the mappings of a vendor, presets and category aliases: their forms, without a browser."""

from __future__ import annotations

import html
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from typing import Any

import httpx
import pytest

from onboarding.domain.mapping_json import parse_document
from onboarding.domain.mappings import MAX_HEADERS, HeaderMapping, MappingDocument, SavedMapping
from onboarding.storage import mappings, value_mappings
from onboarding.storage.audit_log import Actor
from onboarding.web.portal.saved_mappings import CHANGED_MEANWHILE, VALUES_PER_PAGE
from tests.support.api_clients import signed_in
from tests.support.running_pipeline import Pipeline, wait_until

VENDOR_PATH = "/operator/vendors/VENDA"
DOCUMENT: dict[str, Any] = {
    "columns": {"Artikel": {"columns": ["vendor_product_id", "sku"]}, "Preis": {"columns": ["price"]}},
    "constants": {"brand": "Brand of the vendor"},
    "values": {"category": {"Herren": "Men's Clothing"}},
}
ACTOR = Actor("vendor:VENDA", vendor_id="VENDA")


@pytest.fixture(autouse=True)
def _without_mappings(pipeline: Pipeline) -> Iterator[None]:
    """Delete mappings and value mappings before and after each test, so that names and headers are free."""
    _delete_mappings(pipeline)
    yield
    _delete_mappings(pipeline)


def _delete_mappings(pipeline: Pipeline) -> None:
    pipeline.connection.execute("update mappings set archived_at = now() where archived_at is null")
    pipeline.connection.execute("delete from value_mappings")


@pytest.fixture
def mapping(pipeline: Pipeline, vendor_a: httpx.Client) -> SavedMapping:
    """Return a mapping of the vendor VENDA."""
    document = parse_document(DOCUMENT)
    return mappings.save_mapping(
        pipeline.connection, ACTOR, "VENDA", document, name="Shop", headers=list(document.columns)
    )


@pytest.fixture
def viewer(pipeline: Pipeline) -> Iterator[httpx.Client]:
    """Yield a signed-in client of an operator who may not change anything."""
    query = "insert into operators (email, name) values ('reader.m@techmart.example', 'Viewer') on conflict do nothing"
    pipeline.connection.execute(query)
    with closing(signed_in(pipeline, "reader.m@techmart.example")) as client:
        yield client


def get_text(client: httpx.Client, path: str) -> str:
    """Return the text of a page."""
    response = client.get(path)
    assert response.status_code == 200, response.text
    return html.unescape(response.text)


def submit(client: httpx.Client, path: str, **fields: str) -> str:
    """Send a form; return the address of the page that it leads to, which exists."""
    response = client.post(path, data=fields)
    assert response.status_code == 303, response.text
    location = response.headers["location"]
    get_text(client, location)
    return location


def get_error_text(client: httpx.Client, path: str, **fields: str) -> str:
    """Send an invalid form; return the text of the page with the form and its errors."""
    response = client.post(path, data=fields)
    assert response.status_code == 422
    return html.unescape(response.text)


def list_documents(pipeline: Pipeline, vendor_id: str | None) -> dict[str, Any]:
    """Return the documents of the mappings of a vendor, or of the published presets, by name."""
    return {row["name"]: row["document"] for row in mappings.list_mappings(pipeline.connection, vendor_id)}


def list_values(pipeline: Pipeline, vendor_id: str | None) -> dict[str, str]:
    rows = value_mappings.list_value_mappings(pipeline.connection, vendor_id)
    return {row["vendor_value"]: row["target"] for row in rows}


def test_operator_changes_and_deletes_a_mapping_of_a_vendor(
    pipeline: Pipeline, operator: httpx.Client, mapping: SavedMapping
) -> None:
    path = f"{VENDOR_PATH}/mappings/{mapping.mapping_id}"
    for page in (VENDOR_PATH, f"{VENDOR_PATH}/mappings"):
        assert f'href="{path}">Shop</a>' in get_text(operator, page)
    fields = {"name": "Store", "version": "1", "target-0": "price", "constant-brand": ""}
    invalid = get_error_text(operator, path, **fields, **{"target-1": "price"})
    assert "Two headers cannot feed one column" in invalid
    assert 'value="Store"' in invalid
    assert submit(operator, path, **fields, **{"target-1": "sku"}) == f"{path}?notice=saved"
    document = list_documents(pipeline, "VENDA")["Store"]
    assert sorted(target["columns"] for target in document["columns"].values()) == [["price"], ["sku"]]
    assert (document.get("constants"), document["values"]) == (None, DOCUMENT["values"])
    assert CHANGED_MEANWHILE in get_error_text(operator, path, **fields, **{"target-1": ""})
    assert submit(operator, f"{path}/delete") == f"{VENDOR_PATH}/mappings?notice=deleted"
    assert list_documents(pipeline, "VENDA") == {}
    entries = get_text(operator, "/operator/audit-log?vendor_id=VENDA")
    assert "Mapping deleted<" in entries
    assert ">Store<" in entries


def test_version_that_is_stored_while_a_form_waits_is_not_replaced(
    pipeline: Pipeline, operator: httpx.Client, mapping: SavedMapping
) -> None:
    path = f"{VENDOR_PATH}/mappings/{mapping.mapping_id}"
    fields = {"name": "Shop", "version": "1", "target-0": "", "target-1": ""}
    changed = replace(mapping.document, constants={"brand": "Other"})

    def is_waiting() -> bool:
        statement = "select exists (select from pg_locks where locktype = 'advisory' and not granted)"
        [(exists,)] = pipeline.connection.execute(statement).fetchall()
        return bool(exists)

    with ThreadPoolExecutor(1) as executor:
        with pipeline.connection.transaction():
            mappings.update_mapping(pipeline.connection, ACTOR, "VENDA", mapping.mapping_id, document=changed)
            page = executor.submit(get_error_text, operator, path, **fields)
            wait_until(lambda: is_waiting() or None, "the request that waits for the lock")
        assert CHANGED_MEANWHILE in page.result()
    assert list_documents(pipeline, "VENDA")["Shop"]["constants"] == {"brand": "Other"}


def test_mapping_with_the_maximum_number_of_headers_is_saved(
    pipeline: Pipeline, operator: httpx.Client, mapping: SavedMapping
) -> None:
    columns = {f"Header {n}": HeaderMapping(()) for n in range(MAX_HEADERS)}
    document = MappingDocument(columns)
    saved = mappings.save_mapping(pipeline.connection, ACTOR, "VENDA", document, name="Wide", headers=list(columns))
    path = f"{VENDOR_PATH}/mappings/{saved.mapping_id}"
    fields = {f"target-{n}": "" for n in range(MAX_HEADERS)} | {f"target-{MAX_HEADERS - 1}": "brand"}
    fields |= {"name": "Wide", "version": "1", "csrf_token": operator.headers["X-CSRF-Token"]}
    # A browser sends the token as a field, so that it is read from the form.
    assert operator.post(path, data=fields, headers={"X-CSRF-Token": ""}).status_code == 303
    assert list_documents(pipeline, "VENDA")["Wide"]["columns"][f"Header {MAX_HEADERS - 1}"] == {"columns": ["brand"]}


def test_mapping_is_published_without_the_vendors_own_values(
    pipeline: Pipeline, operator: httpx.Client, mapping: SavedMapping
) -> None:
    path = f"{VENDOR_PATH}/mappings/{mapping.mapping_id}"
    location = submit(operator, f"{path}/publish", preset_name="ERP")
    assert location.startswith("/operator/presets/")
    assert list_documents(pipeline, None) == {"ERP": {"columns": DOCUMENT["columns"]}}
    assert list_documents(pipeline, "VENDA") == {"Shop": DOCUMENT}
    taken = get_error_text(operator, f"{path}/publish", preset_name="erp")
    assert "There is another preset with the name 'erp'." in taken
    taken = get_error_text(operator, f"{path}/publish", preset_name="shopify")
    assert "There is a shipped preset with the name 'shopify'. Choose another name." in taken
    assert "A preset's name has 1 to 100 characters" in get_error_text(operator, f"{path}/publish", preset_name=" ")
    assert "Preset published<" in get_text(operator, "/operator/audit-log")


def test_operator_publishes_changes_and_deletes_a_preset(pipeline: Pipeline, operator: httpx.Client) -> None:
    text = '{"columns": {"Artikel": {"columns": ["sku"]}}}'
    location = submit(operator, "/operator/presets", name="ERP", document=text)
    path = location.removesuffix("?notice=published")
    presets = get_text(operator, "/operator/presets")
    assert f'href="{path}">ERP</a>' in presets
    assert presets.index("Published presets") < presets.index("ERP") < presets.index("Shipped presets")
    submit(operator, path, name="ERP 2", version="1", **{"target-0": "vendor_product_id sku"})
    changed_text = '{"columns": {"Artikel": {"columns": ["sku"]}, "Titel": {"columns": ["product_name"]}}}'
    outdated = get_error_text(operator, f"{path}/document", version="1", document=changed_text)
    assert CHANGED_MEANWHILE in outdated
    assert "product_name" not in outdated.split("<textarea")[1].split("</textarea>")[0]
    invalid = get_error_text(operator, f"{path}/document", version="2", document="{<b>")
    assert "The document is not valid JSON: key must be a string at line 1 column 2." in invalid
    assert "{<b></textarea>" in invalid
    submit(operator, f"{path}/document", version="2", document=changed_text)
    assert set(list_documents(pipeline, None)["ERP 2"]["columns"]) == {"Artikel", "Titel"}
    assert submit(operator, f"{path}/delete") == "/operator/presets?notice=deleted"
    assert operator.get(path).status_code == 404
    entries = get_text(operator, "/operator/audit-log")
    assert [label for label in ("published", "updated", "deleted") if f"Preset {label}<" not in entries] == []


def test_invalid_preset_shows_the_errors_of_all_fields(pipeline: Pipeline, operator: httpx.Client) -> None:
    text = '{"columns": {"Artikel": {"columns": ["colour"]}}}'
    page = get_error_text(operator, "/operator/presets", name=" ", document=text)
    assert "Enter a name." in page
    assert "'colour' is not a column; the columns are" in page
    assert f"{text}</textarea>" in page
    assert list_documents(pipeline, None) == {}


def test_shipped_presets_are_listed_without_forms(operator: httpx.Client) -> None:
    shipped = get_text(operator, "/operator/presets").split("Shipped presets")[1]
    assert "<strong>Shopify</strong>" in shipped
    assert "Proposed for files with the columns 'Handle', 'Variant Price', 'Variant SKU'." in shipped
    assert "<form" not in shipped


@pytest.mark.parametrize("vendor_id", ["VENDA", None])
def test_operator_adds_changes_and_removes_values(
    pipeline: Pipeline, operator: httpx.Client, vendor_a: httpx.Client, vendor_id: str | None
) -> None:
    page = f"{VENDOR_PATH}/value-mappings" if vendor_id else "/operator/categories"
    path, notice = (page, "") if vendor_id else (f"{page}/aliases", "alias-")
    invalid = get_error_text(operator, path, vendor_value=" ", target="")
    assert "Enter a value." in invalid
    assert "Choose a category." in invalid
    invalid = get_error_text(operator, path, vendor_value="Herren", target="Nowhere")
    assert "'Nowhere' is not an active category." in invalid
    assert submit(operator, path, vendor_value="Herren", target="Clothing") == f"{page}?notice={notice}saved"
    replaced = submit(operator, path, vendor_value="HERREN", target="Men's Clothing")
    assert replaced == f"{page}?notice={notice}replaced"
    assert " replaced. Its new category applies to later uploads." in get_text(operator, replaced)
    assert list_values(pipeline, vendor_id) == {"HERREN": "Men's Clothing"}
    [row] = value_mappings.list_value_mappings(pipeline.connection, vendor_id)
    remove_path = f"{path}/{row['value_mapping_id']}/remove"
    assert remove_path in get_text(operator, page)
    assert submit(operator, remove_path) == f"{page}?notice={notice}removed"
    assert list_values(pipeline, vendor_id) == {}
    entries = get_text(operator, "/operator/audit-log")
    assert ("Value mapping deleted" if vendor_id else "Category alias removed") in entries
    assert "category: HERREN → Men's Clothing" in entries


def test_alias_with_the_name_of_an_active_category_is_rejected(operator: httpx.Client) -> None:
    page = get_error_text(operator, "/operator/categories/aliases", vendor_value="clothing", target="Books")
    assert "'Clothing' is an active category, so it cannot be an alias of another one." in page
    assert 'value="clothing"' in page


@pytest.mark.parametrize(
    ("vendor_id", "path"), [("VENDA", f"{VENDOR_PATH}/value-mappings"), (None, "/operator/categories")]
)
def test_values_are_listed_in_pages(
    pipeline: Pipeline, operator: httpx.Client, vendor_a: httpx.Client, vendor_id: str | None, path: str
) -> None:
    values = {f"Value {n:04}": "Clothing" for n in range(VALUES_PER_PAGE + 1)}
    value_mappings.set_value_mappings(pipeline.connection, ACTOR, vendor_id, "category", values)
    first = get_text(operator, path)
    assert f"Value {VALUES_PER_PAGE - 1:04}" in first
    assert f"Value {VALUES_PER_PAGE:04}" not in first
    second = get_text(operator, first.split('">Next page</a>')[0].rsplit('href="', 1)[1])
    assert f"Value {VALUES_PER_PAGE:04}" in second
    assert "Value 0000" not in second


def test_viewer_sees_mappings_and_may_not_change_them(
    pipeline: Pipeline, viewer: httpx.Client, mapping: SavedMapping
) -> None:
    actor = Actor("operator:test")
    preset = mappings.save_mapping(pipeline.connection, actor, None, mapping.document, name="ERP")
    for vendor_id in ("VENDA", None):
        targets = {"Herren": "Clothing"}
        value_mappings.set_value_mappings(pipeline.connection, actor, vendor_id, "category", targets)
    mapping_path, preset_path = f"{VENDOR_PATH}/mappings/{mapping.mapping_id}", f"/operator/presets/{preset.mapping_id}"
    pages = {
        VENDOR_PATH: ">Shop<",
        f"{VENDOR_PATH}/mappings": ">Shop<",
        mapping_path: "Brand of the vendor",
        f"{VENDOR_PATH}/value-mappings": ">Herren<",
        "/operator/presets": ">ERP<",
        preset_path: ">Artikel<",
        "/operator/categories": ">Herren<",
    }
    for path, text in pages.items():
        page = get_text(viewer, path).split("<main")[1]
        assert text in page, path
        assert "<form" not in page, path
    for path in (
        mapping_path,
        f"{mapping_path}/delete",
        f"{mapping_path}/publish",
        f"{VENDOR_PATH}/value-mappings",
        f"{VENDOR_PATH}/value-mappings/1/remove",
        "/operator/presets",
        preset_path,
        f"{preset_path}/document",
        f"{preset_path}/delete",
        "/operator/categories/aliases",
        "/operator/categories/aliases/1/remove",
    ):
        assert viewer.post(path, data={"name": "x"}).status_code == 403, path


def test_mapping_of_another_vendor_or_of_none_is_not_found(
    pipeline: Pipeline, operator: httpx.Client, mapping: SavedMapping
) -> None:
    pipeline.vendor("VENDB")
    for path in (
        f"/operator/vendors/VENDB/mappings/{mapping.mapping_id}",
        f"/operator/presets/{mapping.mapping_id}",
        "/operator/vendors/NOSUCH/mappings",
        "/operator/vendors/NOSUCH/value-mappings",
        f"/operator/vendors/NOSUCH/mappings/{mapping.mapping_id}",
    ):
        assert operator.get(path).status_code == 404, path
    for path in (
        f"/operator/vendors/VENDB/mappings/{mapping.mapping_id}/publish",
        f"/operator/vendors/VENDB/mappings/{mapping.mapping_id}/delete",
        f"/operator/presets/{mapping.mapping_id}/delete",
        "/operator/vendors/VENDB/value-mappings/1/remove",
    ):
        assert operator.post(path, data={"preset_name": "x"}).status_code == 404, path
    assert list_documents(pipeline, "VENDA") == {"Shop": DOCUMENT}
