"""Files with headers and categories of their own: the step of the preview, and the pages Mappings and Categories."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from onboarding.domain.mapping_json import parse_document
from onboarding.domain.mappings import MappingDocument, SavedMapping
from onboarding.storage import mappings, value_mappings
from onboarding.storage.audit_log import Actor
from onboarding.storage.database import Connection
from tests.support.browser import check_accessibility, drop_file, open_page, sign_in, submit_upload, upload_file
from tests.support.running_pipeline import Pipeline, csv_of, product

TARGETS = {
    "MATNR": "Vendor product ID and SKU",
    "MAKTX": "Product name",
    "MATKL": "Category",
    "EKPRI": "Price",
    "LGBST": "Stock quantity",
}
"""Our columns of an SAP export, which has one article number."""

OpenVendor = Callable[[str], Page]


@pytest.fixture
def open_vendor(browser: Browser, pipeline: Pipeline) -> Iterator[OpenVendor]:
    """Return a function that opens the home page of a vendor without mappings."""
    contexts = []

    def open_home(vendor_id: str) -> Page:
        context = open_page(browser, pipeline)
        page = context.__enter__()
        contexts.append(context)
        sign_in(page, pipeline, pipeline.vendor(vendor_id))
        return page

    yield open_home
    for context in contexts:
        context.__exit__(None, None, None)


def sap_file(prefix: str, categories: Sequence[str] = ("Men", "Women"), rows: int = 6) -> bytes:
    """Return an SAP export whose rows have these categories in turn; the article numbers begin with `prefix`."""
    lines = ["MATNR;MAKTX;MATKL;EKPRI;LGBST"]
    lines += [f"{prefix}{n};Shirt {n};{categories[n % len(categories)]};1.2{n % 10}4,50;{n}" for n in range(rows)]
    return "\r\n".join(lines).encode()


def choose_file(page: Page, path: Path) -> None:
    """Choose a file in the dialog, once the form handles it."""
    page.locator("#upload-form[data-ready]").wait_for()
    page.get_by_label("choose a file").set_input_files(path)


def match_columns(page: Page) -> None:
    """Choose the column of each header."""
    expect(page.get_by_role("heading", name="Match columns")).to_be_visible()
    for header, label in TARGETS.items():
        page.get_by_label(f"Our column for '{header}'").select_option(label=label)
    expect(page.locator("#missing-columns")).to_have_text("All required columns are matched.")


def apply_choices(page: Page) -> None:
    """Press Apply; return when the preview shows the choices."""
    with page.expect_response(re.compile("/preview")):
        page.get_by_role("button", name="Apply", exact=True).click()
    expect(page.locator("#preview")).not_to_have_attribute("aria-busy", "true")


def count_products(connection: Connection, vendor_id: str, category: str) -> int:
    query = "select count(*) from products where vendor_id = %s and category = %s"
    [(count,)] = connection.execute(query, (vendor_id, category)).fetchall()
    return int(count)


def test_sap_file_is_matched_once_and_accepted_without_a_question_the_second_time(
    open_vendor: OpenVendor, pipeline: Pipeline
) -> None:
    page = open_vendor("SAPFILE")
    drop_file(page, "export.csv", sap_file("A", rows=450))
    expect(page.get_by_role("heading", name="Match columns")).to_be_focused()
    match_columns(page)
    expect(page.get_by_role("button", name="Upload", exact=True)).to_be_disabled()
    for width in (375, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        check_accessibility(page)
    apply_choices(page)

    expect(page.get_by_role("heading", name="Match categories")).to_be_focused()
    expect(page.get_by_role("row", name=re.compile("^Men 225 rows"))).to_contain_text("Suggestion")
    page.get_by_label("Our category for 'Men'").select_option("Men's Clothing")
    page.get_by_label("Our category for 'Women'").select_option("Women's Clothing")
    for width in (375, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        check_accessibility(page)
    apply_choices(page)

    expect(page.locator("#preview-title")).to_be_focused()
    expect(page.locator("#preview")).to_contain_text("All 450 rows are valid.")
    submit_upload(page)
    expect(page.locator("#rejected-rows")).to_have_text("0")
    expect(page.get_by_text("Mapping 'SAP', version 1, was used.")).to_be_visible()
    expect(page.get_by_text("'Men' → Men's Clothing, 225 rows")).to_be_visible()
    check_accessibility(page)
    assert count_products(pipeline.connection, "SAPFILE", "Women's Clothing") == 225

    page.goto("/")
    drop_file(page, "next.csv", sap_file("B"))
    expect(page.locator("#preview")).to_contain_text("All 6 rows are valid.")
    expect(page.locator("#preview")).to_contain_text("Mapping 'SAP', version 1, was used.")
    expect(page.locator("#mapping-step")).to_have_count(0)
    submit_upload(page)
    expect(page.locator("#rejected-rows")).to_have_text("0")


FILES = {
    "sap": sap_file("BUDGET-S", rows=450),
    "shopify": (
        b"Handle,Title,Vendor,Type,Option1 Value,Variant SKU,Variant Grams,Variant Inventory Qty,Variant Price,Status\n"
        b"shirt,Linen shirt,Harbour,Men,S,BUDGET-LS,310,14,59.00,draft\n"
        b"shirt,,,,M,BUDGET-LM,320,9,59.00,\n"
    ),
    "woocommerce": (
        b"ID,Type,SKU,Name,Published,Stock,Weight (kg),Sale price,Regular price,Categories,Images\n"
        b"BUDGET-501,simple,BUDGET-W1,Shirt,1,40,0.18,,19.00,Clothing > Women,https://shop.example.com/tee.jpg\n"
        b"BUDGET-502,simple,BUDGET-W2,Belt,-1,12,0.21,,29.50,Accessories > Belts,\n"
    ),
    "german": (
        "Artikelnummer;Bezeichnung;Warengruppe;Preis;Bestand;Gewicht\n"
        "BUDGET-G1;Hemd;Herren;1.204,50 €;5;500 g\nBUDGET-G2;Bluse;Damen;29,90 €;7;300 g\n"
    ).encode(),
    "categories": csv_of(product(f"BUDGET-C{n}", category=("Men", "Women")[n % 2]) for n in range(450)),
}
MAX_CLICKS = 6


@pytest.mark.parametrize("name", FILES)
def test_export_enters_the_catalog_with_few_clicks_and_without_a_question_the_next_time(
    open_vendor: OpenVendor, tmp_path: Path, name: str
) -> None:
    page = open_vendor(f"BUDGET-{name.upper()}")
    (tmp_path / "export.csv").write_bytes(FILES[name])
    choose_file(page, tmp_path / "export.csv")
    clicks = 1
    expect(page.locator("#mapping-step[data-required]")).to_be_visible()
    while page.locator("#mapping-step[data-required]").count():
        apply_choices(page)
        clicks += 1
        assert clicks < MAX_CLICKS
    submit_upload(page)
    expect(page.locator("#rejected-rows")).to_have_text("0")

    (tmp_path / "next.csv").write_bytes(FILES[name].replace(b"BUDGET", b"SECOND"))
    page.goto("/")
    choose_file(page, tmp_path / "next.csv")
    expect(page.locator("#preview-title")).to_be_visible()
    expect(page.locator("#mapping-step[data-required]")).to_have_count(0)
    submit_upload(page)
    expect(page.locator("#rejected-rows")).to_have_text("0")


def test_step_is_usable_by_keyboard(open_vendor: OpenVendor) -> None:
    page = open_vendor("KEYBOARD")
    content = csv_of(
        [
            {"Artikel": f"K{n}", "sku": f"K{n}", "product_name": "Book", "category": "Books", "price": "5"}
            for n in range(3)
        ],
        ["Artikel", "sku", "product_name", "category", "price"],
    )
    drop_file(page, "keys.csv", content)
    expect(page.get_by_role("heading", name="Match columns")).to_be_focused()

    def tab_to(name: str) -> None:
        control = page.get_by_label(name, exact=True)
        for _ in range(20):
            if control.evaluate("element => element === document.activeElement"):
                return
            page.keyboard.press("Tab")
        expect(control).to_be_focused()

    tab_to("Our column for 'Artikel'")
    page.keyboard.type("Vendor product ID")
    tab_to("Stock quantity")
    page.keyboard.type("7")
    expect(page.locator("#missing-columns")).to_have_text("All required columns are matched.")
    # Enter applies the choices and uploads nothing.
    with page.expect_response(re.compile("/preview")):
        page.keyboard.press("Enter")
    expect(page.locator("#preview")).to_contain_text("All 3 rows are valid.")
    expect(page.locator("#preview-title")).to_be_focused()
    page.get_by_role("button", name="Upload 3 rows").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#upload")).to_have_attribute("data-done", "true")
    expect(page.locator("#rejected-rows")).to_have_text("0")


HIDDEN_FOCUS = """() => {
    const row = document.querySelector("#upload-form > .upload-bar");
    const focused = document.activeElement;
    if (row.contains(focused) || !row.parentElement.contains(focused)) return null;
    const { top, bottom } = focused.getBoundingClientRect();
    const limit = Math.min(row.getBoundingClientRect().top, window.innerHeight);
    // Positions are fractions of pixels.
    return top > -1 && bottom < limit + 1 ? null : `${focused.outerHTML.slice(0, 120)} ${top} ${bottom} ${limit}`;
}"""


@pytest.mark.parametrize(("width", "height"), [(1280, 900), (640, 450), (375, 667), (320, 568)])
def test_focused_control_is_not_behind_the_buttons(open_vendor: OpenVendor, width: int, height: int) -> None:
    page = open_vendor("FOCUS")
    page.set_viewport_size({"width": width, "height": height})
    drop_file(page, "focus.csv", csv_of(product(f"FOCUS{n}", category=f"F{n}") for n in range(30)))
    expect(page.get_by_role("heading", name="Match categories")).to_be_focused()
    page.get_by_label("Our category for 'F0'").select_option("Books")
    page.get_by_label("Our category for 'F0'").focus()
    hidden = []
    for key in ["Tab"] * 34 + ["Shift+Tab"] * 34:
        page.keyboard.press(key)
        hidden.append(page.evaluate(HIDDEN_FOCUS))
    assert [text for text in hidden if text] == []


def test_choices_that_are_not_remembered_apply_to_one_upload(open_vendor: OpenVendor, pipeline: Pipeline) -> None:
    page = open_vendor("FORGET")
    drop_file(page, "once.csv", sap_file("F"))
    match_columns(page)
    apply_choices(page)
    page.get_by_label("Our category for 'Men'").select_option("Books")
    page.get_by_label("Our category for 'Women'").select_option(label="None: reject the rows")
    page.get_by_label("Remember for files like this").uncheck()
    apply_choices(page)
    expect(page.locator("#preview")).to_contain_text("3 rows would be rejected.")
    submit_upload(page)
    expect(page.locator("#rejected-rows")).to_have_text("3")
    expect(page.get_by_text("The columns were matched for this file only.")).to_be_visible()
    assert count_products(pipeline.connection, "FORGET", "Books") == 3
    assert mappings.list_mappings(pipeline.connection, "FORGET") == []
    assert value_mappings.list_value_mappings(pipeline.connection, "FORGET") == []
    page.get_by_role("link", name=re.compile("Categories, and how to translate yours")).click()
    expect(page.get_by_role("heading", name="Categories", exact=True)).to_be_visible()


def test_category_that_is_taken_back_after_apply_is_not_used(open_vendor: OpenVendor) -> None:
    page = open_vendor("TAKEBACK")
    drop_file(page, "back.csv", csv_of(product(f"BACK{n}", category=("Men", "Women")[n % 2]) for n in range(6)))
    page.get_by_label("Our category for 'Men'").select_option("Books")
    page.get_by_label("Our category for 'Women'").select_option("Books")
    apply_choices(page)
    expect(page.locator("#preview")).to_contain_text("All 6 rows are valid.")
    page.get_by_text("Columns and categories that you matched").click()
    page.get_by_label("Our category for 'Men'").select_option("None: reject the rows")
    apply_choices(page)
    expect(page.locator("#preview")).to_contain_text("3 rows would be rejected.")
    page.get_by_text("Columns and categories that you matched").click()
    expect(page.get_by_label("Our category for 'Men'")).to_have_value("")
    expect(page.get_by_label("Our category for 'Women'")).to_have_value("Books")


def test_remember_and_name_are_kept_when_the_preview_changes(open_vendor: OpenVendor) -> None:
    page = open_vendor("KEEPNAME")
    drop_file(page, "name.csv", sap_file("KN", ["Books"]))
    match_columns(page)
    name, remember = page.get_by_label("Name of the mapping"), page.get_by_label("Remember for files like this")
    name.fill("Weekly")

    def choose_option(label: str) -> None:
        with page.expect_response(re.compile("/preview")):
            page.get_by_label(label).check()
        expect(page.locator("#preview")).not_to_have_attribute("aria-busy", "true")

    choose_option("Import only if every row is valid")
    expect(name).to_have_value("Weekly")
    remember.uncheck()
    choose_option("Skip rows with errors and import the rest")
    expect(remember).not_to_be_checked()
    apply_choices(page)
    page.locator("#mapping-details > summary").click()
    expect(remember).not_to_be_checked()
    remember.check()
    expect(name).to_have_value("Weekly")
    name.fill("Monthly")
    choose_option("Import only if every row is valid")
    page.locator("#mapping-details > summary").click()
    expect(remember).to_be_checked()
    expect(name).to_have_value("Monthly")


def test_many_categories_are_matched_on_several_pages(open_vendor: OpenVendor) -> None:
    page = open_vendor("MANYVALUES")
    drop_file(page, "many.csv", csv_of(product(f"MANY{n}", category=f"Q{n}") for n in range(450)))
    shown = set()
    for expected in ("and 250 more with fewer rows", "and 50 more with fewer rows", None):
        expect(page.locator("#mapping-step[data-required]")).to_be_visible()
        rows = page.locator("tr[data-value]")
        shown |= set(rows.evaluate_all("rows => rows.map((row) => row.dataset.value)"))
        if expected:
            expect(page.locator("#match-categories")).to_contain_text(expected)
        else:
            expect(page.get_by_text("more with fewer rows")).to_have_count(0)
        # The first value of each page keeps no category.
        rows.locator("select").evaluate_all(
            """selects => selects.forEach((select, index) => {
                select.value = index ? "Books" : "";
                select.dispatchEvent(new Event("change", { bubbles: true }));
            })"""
        )
        apply_choices(page)
    assert len(shown) == 450
    expect(page.locator("#mapping-step[data-required]")).to_have_count(0)
    expect(page.locator("#preview")).to_contain_text("3 rows would be rejected.")
    submit_upload(page)
    expect(page.locator("#rejected-rows")).to_have_text("3")


def test_headers_of_the_same_name_are_not_imported(open_vendor: OpenVendor) -> None:
    page = open_vendor("SAMENAME")
    content = (
        b"vendor_product_id;product_name;category;sku;price;Price;EK;stock_quantity;x;x\nS1;Pen;Books;S1;1;2;3;4;5;6\n"
    )
    drop_file(page, "same.csv", content)
    expect(page.locator("#missing-columns")).to_contain_text("Price")
    repeated = page.get_by_text("This name is more than once in the file: rename one of the columns in the file.")
    expect(repeated).to_have_count(2)
    expect(page.get_by_label("Our column for 'x'")).to_have_count(0)
    for width in (375, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        check_accessibility(page)
    page.get_by_label("Our column for 'EK'").select_option(label="Price")
    apply_choices(page)
    expect(page.locator("#preview")).to_contain_text("1 row is valid.")
    submit_upload(page)
    expect(page.locator("#rejected-rows")).to_have_text("0")


def test_second_tab_says_that_the_mapping_exists(open_vendor: OpenVendor, pipeline: Pipeline) -> None:
    first = open_vendor("TWOTABS")
    second = first.context.new_page()
    second.goto("/")
    for page, prefix in ((first, "T"), (second, "U")):
        drop_file(page, "tabs.csv", sap_file(prefix, ["Books"]))
        match_columns(page)
    first.get_by_label("Name of the mapping").fill("oth2")
    apply_choices(first)
    submit_upload(first)
    apply_choices(second)
    second.locator("#mapping-details > summary").click()
    name = second.get_by_label("Name of the mapping")
    expect(name).to_have_value("oth2")
    expect(name).to_have_accessible_description("Saves a new version of 'oth2'.")
    name.fill("oth3")
    expect(name).to_have_accessible_description(re.compile("^Renames 'oth2'"))
    check_accessibility(second)
    submit_upload(second)
    assert [row["name"] for row in mappings.list_mappings(pipeline.connection, "TWOTABS")] == ["oth3"]


def test_suggestions_are_applied_or_declined_before_the_upload(open_vendor: OpenVendor, pipeline: Pipeline) -> None:
    page = open_vendor("DECLINE")
    content = csv_of(product(f"DECLINE{n}", category=("Men", "Books")[n % 2]) for n in range(4))
    drop_file(page, "men.csv", content)
    expect(page.get_by_role("row", name=re.compile("^Men 2 rows"))).to_contain_text("Suggestion")
    upload_button = page.get_by_role("button", name="Upload", exact=True)
    expect(upload_button).to_be_disabled()
    expect(upload_button).to_have_accessible_description(
        "The choices above are not applied yet. Apply them, or upload the file without them."
    )
    for width in (375, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        check_accessibility(page)
    # A suggestion that the vendor declines is not shown again.
    page.get_by_label("Our category for 'Men'").select_option(label="None: reject the rows")
    apply_choices(page)
    expect(page.get_by_label("Our category for 'Men'")).to_have_value("")
    expect(page.get_by_role("button", name="Upload 4 rows")).to_be_enabled()
    expect(page.get_by_role("button", name="Upload without these choices")).to_be_hidden()

    page.get_by_text("Columns and categories that you matched").click()
    page.get_by_label("Our category for 'Men'").select_option("Books")
    expect(page.locator("#upload-button")).to_be_disabled()
    submit_upload(page, name="Upload without these choices")
    expect(page.locator("#rejected-rows")).to_have_text("2")
    assert value_mappings.list_value_mappings(pipeline.connection, "DECLINE") == []


def test_suggestion_for_an_optional_column_opens_the_step(open_vendor: OpenVendor, pipeline: Pipeline) -> None:
    page = open_vendor("OPTIONAL")
    rows = [product(f"OPTIONAL{n}") for n in range(2)]
    content = csv_of(rows).replace(b"brand,", b"Brand of the item,", 1)
    drop_file(page, "optional.csv", content)
    expect(page.get_by_label("Our column for 'Brand of the item'")).to_have_value("brand")
    expect(page.locator("#upload-button")).to_be_disabled()
    apply_choices(page)
    submit_upload(page)
    statement = "select distinct brand from products where vendor_id = 'OPTIONAL'"
    assert pipeline.connection.execute(statement).fetchall() == [(rows[0]["brand"],)]


def test_column_of_two_headers_is_released_and_announced(open_vendor: OpenVendor) -> None:
    page = open_vendor("RELEASE")
    drop_file(page, "twice.csv", sap_file("R"))
    page.get_by_label("Our column for 'MATNR'").select_option(label="Vendor product ID and SKU")
    page.get_by_label("Our column for 'MAKTX'").select_option(label="SKU")
    expect(page.get_by_label("Our column for 'MATNR'")).to_have_value("vendor_product_id")
    expect(page.locator("#missing-columns")).to_contain_text("'MATNR' no longer has this column.")
    # Another mode shows the preview again, with the choices that were not applied.
    page.get_by_label("Add and update").check()
    expect(page.get_by_role("button", name="Upload", exact=True)).to_be_disabled()
    expect(page.get_by_label("Our column for 'MATNR'")).to_have_value("vendor_product_id")
    page.get_by_label("Add new products").check()
    expect(page.get_by_label("Our column for 'MAKTX'")).to_have_value("sku")
    # Applying an incomplete choice says what is missing, and keeps the choices.
    page.get_by_role("button", name="Apply", exact=True).click()
    expect(page.locator("#missing-columns")).to_be_focused()
    page.get_by_label("Our column for 'MATNR'").select_option(label="Vendor product ID and SKU")
    for header, label in list(TARGETS.items())[1:4]:
        page.get_by_label(f"Our column for '{header}'").select_option(label=label)
    page.get_by_label("Our column for 'LGBST'").select_option("")
    page.get_by_label("Stock quantity").fill("many")
    page.get_by_role("button", name="Apply", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("The constant of stock_quantity must be a whole number")
    expect(page.get_by_label("Our column for 'EKPRI'")).to_have_value("price")


def test_name_of_another_mapping_is_rejected_before_the_upload(open_vendor: OpenVendor, pipeline: Pipeline) -> None:
    page = open_vendor("NAMES")
    document = MappingDocument()
    mappings.save_mapping(pipeline.connection, Actor("test"), "NAMES", document, name="sap", headers=["other"])
    drop_file(page, "taken.csv", sap_file("N", ["Books"]))
    match_columns(page)
    expect(page.get_by_label("Name of the mapping")).to_have_value("SAP 2")
    page.get_by_label("Name of the mapping").fill("SAP")
    apply_choices(page)
    page.get_by_role("button", name="Upload 6 rows").click()
    expect(page.get_by_role("alert")).to_contain_text("There is another mapping with the name 'SAP'.")
    expect(page.get_by_label("Name of the mapping")).to_be_focused()
    page.get_by_label("Name of the mapping").fill("Free")
    submit_upload(page)
    expect(page.get_by_text("Mapping 'Free', version 1, was used.")).to_be_visible()
    expect(page.get_by_role("link", name="Free", exact=True)).to_be_visible()
    [row] = [row for row in mappings.list_mappings(pipeline.connection, "NAMES") if row["name"] == "Free"]
    mappings.delete_mapping(pipeline.connection, Actor("test"), "NAMES", row["mapping_id"])
    page.reload()
    expect(page.get_by_text("Mapping 'Free' (deleted), version 1, was used.")).to_be_visible()
    expect(page.get_by_role("link", name="Free", exact=True)).to_have_count(0)


def test_extra_headers_do_not_open_the_step(open_vendor: OpenVendor) -> None:
    page = open_vendor("EXTRA")
    rows = [product("EXTRA1") | {"Colour": "red", "Size": "L"}]
    drop_file(page, "extra.csv", csv_of(rows, rows[0]))
    expect(page.locator("#preview")).to_contain_text("1 row is valid.")
    expect(page.get_by_label("Our column for 'Colour'")).to_be_hidden()
    page.get_by_text("2 columns are not imported").click()
    page.get_by_text("15 columns are matched").click()
    page.get_by_label("Our column for 'Colour'").select_option(label="Subcategory")
    expect(page.get_by_label("Our column for 'subcategory'")).to_have_value("")
    expect(page.get_by_role("button", name="Upload", exact=True)).to_be_disabled()
    apply_choices(page)
    check_accessibility(page)
    submit_upload(page)
    expect(page.locator("#rejected-rows")).to_have_text("0")


def test_rejected_file_shows_the_closest_headers(open_vendor: OpenVendor, pipeline: Pipeline) -> None:
    page = open_vendor("REJECTED")
    upload = pipeline.run(
        "REJECTED", "columns.csv", b"sku,product_name,category,price,stock quantitty\n1,2,Books,3,4\n"
    )
    page.goto(f"/uploads/{upload.upload_id}")
    expect(page.get_by_role("row", name=re.compile("^Stock quantity"))).to_contain_text("stock quantitty")
    check_accessibility(page)
    page.get_by_role("link", name="Upload again and match the columns").click()
    expect(page.get_by_role("heading", name="Upload products")).to_be_visible()


@pytest.fixture
def sap_mapping(pipeline: Pipeline) -> SavedMapping:
    """Return a stored mapping of the vendor EDITOR, who has no other."""
    pipeline.vendor("EDITOR")
    for row in mappings.list_mappings(pipeline.connection, "EDITOR"):
        mappings.delete_mapping(pipeline.connection, Actor("test"), "EDITOR", row["mapping_id"])
    columns = {
        "MATNR": {"columns": ["vendor_product_id", "sku"]},
        "EKPRI": {"columns": ["price"], "number_format": {"decimal_sign": ",", "thousands_separator": "."}},
        "ERNAM": {"columns": []},
    }
    document = parse_document({"columns": columns, "fill_down": {"group_header": "MATNR", "headers": ["EKPRI"]}})
    return mappings.save_mapping(
        pipeline.connection, Actor("test"), "EDITOR", document, name="Weekly", headers=list(columns)
    )


def test_mapping_is_changed_renamed_and_deleted(
    open_vendor: OpenVendor, pipeline: Pipeline, sap_mapping: SavedMapping
) -> None:
    page = open_vendor("EDITOR")
    page.get_by_role("link", name="Mappings").click()
    check_accessibility(page)
    page.get_by_role("link", name="Weekly").click()
    expect(page.get_by_text("Blank cells under 'EKPRI' take the value")).to_be_visible()
    for width in (375, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        check_accessibility(page)
    page.get_by_label("Our column for 'ERNAM'").select_option(label="Price")
    page.get_by_label("Name", exact=True).fill("Monthly")
    page.get_by_role("button", name="Save mapping").click()
    expect(page.get_by_role("alert")).to_contain_text("Two headers cannot feed one column")
    expect(page.get_by_label("Name", exact=True)).to_have_value("Monthly")
    page.get_by_label("Our column for 'ERNAM'").select_option(label="Brand")
    page.get_by_text("Number format of 'EKPRI'").click()
    page.get_by_label("Currency or unit to remove of 'EKPRI'").fill("EUR")
    page.get_by_label("Column", exact=True).select_option(label="Stock quantity")
    page.get_by_label("Value", exact=True).fill("3")
    page.get_by_role("button", name="Save mapping").click()
    expect(page.get_by_role("status")).to_contain_text("Mapping saved.")
    expect(page.get_by_role("heading", name="Monthly")).to_be_visible()
    expect(page.get_by_text("Number format of 'EKPRI': 1.234,50 EUR → 1234.50")).to_be_visible()
    saved = mappings.get_mapping(pipeline.connection, "EDITOR", sap_mapping.mapping_id)
    assert (saved.version, saved.document.columns["ERNAM"].columns) == (2, ("brand",))
    assert saved.document.constants == {"stock_quantity": "3"}

    page.get_by_text("Delete mapping").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("Mapping deleted.")
    expect(page.get_by_text("No mappings yet.")).to_be_visible()


def test_mapping_changed_in_the_meantime_is_not_overwritten(
    open_vendor: OpenVendor, pipeline: Pipeline, sap_mapping: SavedMapping
) -> None:
    page = open_vendor("EDITOR")
    page.goto(f"/mappings/{sap_mapping.mapping_id}")
    document = MappingDocument(constants={"brand": "Acme"})
    mappings.update_mapping(pipeline.connection, Actor("test"), "EDITOR", sap_mapping.mapping_id, document=document)
    page.get_by_role("button", name="Save mapping").click()
    expect(page.get_by_role("alert")).to_contain_text("The mapping was changed in the meantime.")
    expect(page.get_by_label("Brand")).to_have_value("Acme")


def test_value_is_added_changed_and_removed(open_vendor: OpenVendor, pipeline: Pipeline) -> None:
    page = open_vendor("VALUES")
    value_mappings.set_value_mappings(pipeline.connection, Actor("test"), None, "category", {"Livres": "Books"})
    page.get_by_role("link", name="Categories").click()
    expect(page.get_by_role("row", name=re.compile("^Livres Books"))).to_be_visible()
    page.get_by_label("Your value", exact=True).fill("Novels")
    page.get_by_role("button", name="Add value").click()
    expect(page.get_by_role("alert")).to_contain_text("Choose a category.")
    page.get_by_label("Category", exact=True).select_option("Books")
    page.get_by_role("button", name="Add value").click()
    expect(page.get_by_role("status")).to_contain_text("Value saved.")
    row = page.get_by_role("row", name=re.compile("^Novels"))
    expect(row).to_contain_text("Books")
    page.get_by_text("Change Novels").click()
    for width in (375, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        check_accessibility(page)
    page.get_by_label("Category for 'Novels'").select_option("Toys & Games")
    row.get_by_role("button", name="Change", exact=True).click()
    expect(row).to_contain_text("Toys & Games")
    upload_file(page, "novels.csv", csv_of([product("NOVEL1", category="NOVELS")]))
    expect(page.get_by_text("'NOVELS' → Toys & Games, 1 row")).to_be_visible()
    page.goto("/categories")
    page.get_by_text("Remove Novels").click()
    page.get_by_role("button", name="Remove", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("Value removed.")
    expect(row).to_have_count(0)
    pipeline.connection.execute("delete from value_mappings where vendor_id is null")


def test_value_of_a_disabled_category_is_marked(open_vendor: OpenVendor, pipeline: Pipeline) -> None:
    page = open_vendor("DISABLED")
    pipeline.connection.execute("insert into product_categories (category_name) values ('Fax Machines')")
    value_mappings.set_value_mappings(
        pipeline.connection, Actor("test"), "DISABLED", "category", {"Fax": "Fax Machines"}
    )
    pipeline.connection.execute("update product_categories set is_active = false where category_name = 'Fax Machines'")
    page.goto("/categories")
    expect(page.get_by_role("row", name=re.compile("^Fax"))).to_contain_text("Disabled")
    check_accessibility(page)
    pipeline.connection.execute("delete from product_categories where category_name = 'Fax Machines'")


def test_suspended_vendor_sees_mappings_without_forms(
    open_vendor: OpenVendor, pipeline: Pipeline, sap_mapping: SavedMapping
) -> None:
    page = open_vendor("EDITOR")
    value_mappings.set_value_mappings(pipeline.connection, Actor("test"), "EDITOR", "category", {"Buch": "Books"})
    pipeline.connection.execute("update vendors set status = 'suspended' where vendor_id = 'EDITOR'")
    try:
        for path in ("/mappings", f"/mappings/{sap_mapping.mapping_id}", "/categories"):
            page.goto(path)
            expect(page.get_by_role("heading", level=1)).to_be_visible()
            assert page.locator('main form[method="post"]').count() == 0, path
            check_accessibility(page)
    finally:
        pipeline.connection.execute("update vendors set status = 'active' where vendor_id = 'EDITOR'")
