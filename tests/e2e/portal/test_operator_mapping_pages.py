"""Operators' pages for the mappings of a vendor, presets and category aliases, in a browser."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from onboarding.domain.mapping_json import parse_document
from onboarding.domain.mappings import SavedMapping
from onboarding.storage import mappings, value_mappings
from onboarding.storage.audit_log import Actor
from tests.support.api_clients import OPERATOR, forget_mappings
from tests.support.browser import check_accessibility, open_page, sign_in
from tests.support.running_pipeline import Pipeline

DOCUMENT = parse_document(
    {
        "columns": {
            "Artikelnummer des Lieferanten": {"columns": ["vendor_product_id", "sku"]},
            "Preis": {"columns": ["price"], "number_format": {"decimal_sign": ",", "thousands_separator": "."}},
            "Intern": {"columns": []},
        },
        "constants": {"stock_quantity": "10"},
    }
)
ACTOR = Actor("operator:test")


@pytest.fixture
def mapping(pipeline: Pipeline) -> Iterator[SavedMapping]:
    """Yield a mapping of the vendor MAPPED, which also has a value mapping; forget all mappings at the end."""
    forget_mappings(pipeline)
    pipeline.vendor("MAPPED")
    connection = pipeline.connection
    values = {"Herrenbekleidung > Hemden > Langarm": "Men's Clothing"}
    for vendor_id in ("MAPPED", None):
        value_mappings.set_value_mappings(connection, ACTOR, vendor_id, "category", values)
    yield mappings.save_mapping(connection, ACTOR, "MAPPED", DOCUMENT, name="ERP export", headers=["Preis"])
    forget_mappings(pipeline)


def check_both_widths(page: Page) -> None:
    for width in (375, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        check_accessibility(page)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_pages_with_open_details_at_both_widths_are_accessible(
    browser: Browser, pipeline: Pipeline, mapping: SavedMapping, *, dark: bool
) -> None:
    preset = mappings.save_mapping(pipeline.connection, ACTOR, None, DOCUMENT, name="Plentymarkets")
    query = "insert into operators (email, name) values ('reader@techmart.example', 'Reader') on conflict do nothing"
    pipeline.connection.execute(query)
    for email in (OPERATOR, "reader@techmart.example"):
        with open_page(browser, pipeline, dark=dark) as page:
            sign_in(page, pipeline, email)
            for path in (
                "/operator/vendors/MAPPED",
                f"/operator/vendors/MAPPED/mappings/{mapping.mapping_id}",
                "/operator/vendors/MAPPED/value-mappings",
                "/operator/categories",
                "/operator/presets",
                f"/operator/presets/{preset.mapping_id}",
            ):
                page.goto(path)
                summaries = page.locator("main summary")
                for summary in summaries.all()[:2]:
                    summary.click()
                check_both_widths(page)


def test_operator_corrects_a_mapping_and_publishes_it(
    operator: Page, pipeline: Pipeline, mapping: SavedMapping
) -> None:
    operator.goto("/operator/vendors/MAPPED")
    operator.get_by_role("link", name="ERP export").click()
    operator.get_by_label("Our column for 'Intern'").select_option("Price")
    operator.get_by_role("button", name="Save mapping").click()
    expect(operator.get_by_role("alert")).to_contain_text("Two headers cannot feed one column")
    expect(operator.get_by_label("Our column for 'Intern'")).to_have_value("price")
    check_both_widths(operator)
    operator.get_by_label("Our column for 'Intern'").select_option("Product name")
    operator.get_by_role("button", name="Save mapping").click()
    expect(operator.get_by_role("status")).to_have_text("Mapping saved.")

    operator.get_by_label("Name of the preset").fill("none")
    operator.get_by_role("button", name="Publish as preset").click()
    expect(operator.get_by_label("Name of the preset")).to_have_accessible_description(re.compile("is not 'none'"))
    check_both_widths(operator)
    operator.get_by_label("Name of the preset").fill("Plentymarkets")
    operator.get_by_role("button", name="Publish as preset").click()
    expect(operator.get_by_role("status")).to_contain_text("Preset published.")
    expect(operator.get_by_label("Our column for 'Intern'")).to_have_value("product_name")

    operator.get_by_label("Document").fill('{"columns": {"Preis": {"columns": ["prize"]}}}')
    operator.get_by_role("button", name="Save document").click()
    expect(operator.get_by_label("Document")).to_have_accessible_description(re.compile("^'prize' is not a column"))
    check_both_widths(operator)
    operator.get_by_label("Document").fill('{"columns": {"Preis": {"columns": ["price"]}}}')
    operator.get_by_role("button", name="Save document").click()
    expect(operator.get_by_role("status")).to_have_text("Preset saved.")
    expect(operator.get_by_label("Our column for 'Intern'")).to_have_count(0)

    operator.get_by_text("Delete preset").click()
    operator.get_by_role("button", name="Delete", exact=True).click()
    expect(operator.get_by_role("status")).to_have_text("Preset deleted.")
    operator.goto(f"/operator/vendors/MAPPED/mappings/{mapping.mapping_id}")
    operator.get_by_text("Delete mapping").click()
    operator.get_by_role("button", name="Delete", exact=True).click()
    expect(operator.get_by_role("status")).to_have_text("Mapping deleted.")


def test_operator_publishes_a_preset_from_a_document(operator: Page, pipeline: Pipeline, mapping: SavedMapping) -> None:
    operator.get_by_role("link", name="Presets", exact=True).click()
    operator.get_by_label("Document").fill("{")
    operator.get_by_role("button", name="Publish preset").click()
    expect(operator.get_by_label("Name")).to_have_accessible_description("Enter a name.")
    expect(operator.get_by_label("Document")).to_have_accessible_description(re.compile("not valid JSON: .* line 1"))
    expect(operator.get_by_label("Document")).to_have_value("{")
    check_both_widths(operator)
    operator.get_by_label("Name").fill("JTL")
    operator.get_by_label("Document").fill('{"columns": {"Preis": {"columns": ["price"]}}}')
    operator.get_by_role("button", name="Publish preset").click()
    expect(operator.get_by_role("heading", level=1)).to_have_text("JTL")


@pytest.mark.parametrize("path", ["/operator/categories", "/operator/vendors/MAPPED/value-mappings"])
def test_operator_adds_changes_and_removes_a_value(
    operator: Page, pipeline: Pipeline, mapping: SavedMapping, path: str
) -> None:
    operator.goto(path)
    button = "Add alias" if path == "/operator/categories" else "Add value"
    operator.get_by_role("button", name=button).click()
    expect(operator.get_by_label("Value", exact=True)).to_have_accessible_description("Enter a value.")
    expect(operator.get_by_label("Category", exact=True)).to_have_accessible_description("Choose a category.")
    check_both_widths(operator)
    operator.get_by_label("Value", exact=True).fill("Damen")
    operator.get_by_label("Category", exact=True).select_option("Clothing")
    operator.get_by_role("button", name=button).click()
    row = operator.get_by_role("row", name=re.compile("^Damen"))
    expect(row).to_contain_text("Clothing")

    row.get_by_text("Change Damen").click()
    row.get_by_label("Category for 'Damen'").select_option("Women's Clothing")
    row.get_by_role("button", name="Change", exact=True).click()
    expect(row.get_by_role("cell", name="Women's Clothing")).to_be_visible()
    row.get_by_text("Remove Damen").click()
    row.get_by_role("button", name="Remove", exact=True).click()
    expect(operator.get_by_role("status")).to_contain_text("removed.")
    expect(row).to_have_count(0)
