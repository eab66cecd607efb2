"""Corrections in a browser: rejected rows are fixed on the page of their upload."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from onboarding.domain.models import Upload
from onboarding.domain.product_changes import VERSION
from tests.support.browser import check_accessibility, open_page, sign_in
from tests.support.running_pipeline import Pipeline, csv_of, product

VENDOR = "FIXER"


class Interactions:
    """Counts what a user does on a page: clicks, and cells typed."""

    def __init__(self) -> None:
        self.count = 0

    def click(self, target: Locator) -> None:
        self.count += 1
        target.click()

    def type_value(self, target: Locator, text: str) -> None:
        self.count += 1
        target.fill(text)


class Uploads:
    """Uploads of the vendor, with unique products."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self._number = 0
        self._prefix = f"FIX{secrets.token_hex(3)}"

    def run(self, rows: int, wrong_cells: dict[int, dict[str, str]], **metadata: str) -> Upload:
        self._number += 1
        products = [product(f"{self._prefix}{self._number}X{n}", **wrong_cells.get(n, {})) for n in range(rows)]
        return self.pipeline.run(VENDOR, f"spring{self._number}.csv", csv_of(products), **metadata)


@pytest.fixture(scope="module")
def uploads(pipeline: Pipeline) -> Uploads:
    pipeline.vendor(VENDOR)
    return Uploads(pipeline)


@pytest.fixture
def fixer(browser: Browser, pipeline: Pipeline, uploads: Uploads) -> Iterator[Page]:
    """Yield a page of the vendor."""
    with open_page(browser, pipeline) as page:
        sign_in(page, pipeline, pipeline.vendor(VENDOR))
        yield page


@pytest.fixture
def second_fixer(browser: Browser, pipeline: Pipeline, uploads: Uploads) -> Iterator[Page]:
    """Yield a page of the vendor in another browser."""
    with open_page(browser, pipeline) as page:
        sign_in(page, pipeline, pipeline.vendor(VENDOR))
        yield page


def badge_of(page: Page, line: int) -> Locator:
    return page.locator(f'tr[data-line="{line}"] .row-state .badge')


def import_button(page: Page) -> Locator:
    return page.locator("#import-button")


def test_three_wrong_cells_of_500_rows_take_four_interactions(fixer: Page, uploads: Uploads) -> None:
    upload = uploads.run(500, {9: {"price": "1,2x"}, 250: {"stock_quantity": "many"}, 499: {"category": "Elektronicz"}})
    fixer.goto(f"/uploads/{upload.upload_id}")
    user = Interactions()

    user.type_value(fixer.get_by_label("Row 11, Price"), "12.50")
    user.type_value(fixer.get_by_label("Row 252, Stock quantity"), "7")
    user.type_value(fixer.get_by_label("Row 501, Category"), "Electronics")
    expect(import_button(fixer)).to_have_text("Import 3 fixed rows")
    user.click(import_button(fixer))

    expect(fixer.locator("#correction-status")).to_have_text(
        re.compile(r"3 rejected:\s+3 fixed in\s+spring\d+ . fixes\.csv,\s+0 open\.")
    )
    expect(fixer.locator("#correction-status")).to_be_in_viewport()
    assert user.count <= 4
    expect(fixer.locator(".notice.success")).to_have_text(
        re.compile(r"3 of 500 rows were rejected; all are fixed now in spring\d+ . fixes\.csv\.")
    )
    expect(fixer.locator(".tile.error, .badge-partial")).to_have_count(0)
    expect(fixer.get_by_role("link", name="Download fix file")).not_to_have_class(re.compile("primary"))
    expect(fixer.get_by_text("Correct them and upload the file again.")).to_have_count(0)
    fixer.locator("#correction-status").get_by_role("link").click()
    expect(fixer.get_by_text("All 3 rows were accepted.")).to_be_visible()
    expect(fixer.get_by_role("link", name=upload.file_name)).to_have_attribute("href", f"/uploads/{upload.upload_id}")


def test_450_rows_of_an_unknown_category_take_two_interactions_and_are_remembered(
    fixer: Page, uploads: Uploads
) -> None:
    upload = uploads.run(450, {n: {"category": "Men"} for n in range(450)})
    fixer.goto(f"/uploads/{upload.upload_id}")
    user = Interactions()

    user.click(fixer.get_by_role("button", name=re.compile("Use .Men's Clothing. for all 450 rows")))
    expect(fixer.get_by_text("450 rows were filled.")).to_be_visible()
    user.click(fixer.get_by_role("button", name="Import 450 fixed rows"))

    expect(fixer.locator("#correction-status")).to_have_text(re.compile("450 fixed in.*0 open", re.DOTALL))
    assert user.count <= 2
    later_upload = uploads.run(3, {n: {"category": "Men"} for n in range(3)})
    assert later_upload.error_records == 0


def test_row_is_checked_while_it_is_typed(fixer: Page, uploads: Uploads) -> None:
    upload = uploads.run(3, {0: {"price": "free"}})
    fixer.goto(f"/uploads/{upload.upload_id}")
    price = fixer.get_by_label("Row 2, Price")
    expect(import_button(fixer)).to_be_disabled()
    expect(price).to_have_attribute("aria-invalid", "true")

    price.fill("-5")
    expect(price).to_have_accessible_description(re.compile("at least 0.01"))
    expect(fixer.locator("#correction-announcement")).to_contain_text("Row 2: Price")
    expect(badge_of(fixer, 2)).to_have_text("To fix")
    price.fill("5")
    expect(badge_of(fixer, 2)).to_have_text("Ready")
    expect(price).not_to_have_attribute("aria-invalid", "true")
    expect(fixer.locator("#correction-status")).to_contain_text("1 ready to import")

    # The draft is stored: it appears in a page that is loaded again.
    fixer.reload()
    expect(price).to_have_value("5")
    expect(import_button(fixer)).to_have_text("Import 1 fixed row")


def test_stale_row_of_an_export_overwrites_the_product(fixer: Page, uploads: Uploads, pipeline: Pipeline) -> None:
    created = uploads.run(1, {})
    [before] = pipeline.products(created.upload_id)
    row = {"vendor_product_id": before["vendor_product_id"], "price": "25", VERSION: "v1"}
    upload = pipeline.run(VENDOR, f"{before['sku']}.csv", csv_of([row], list(row)), mode="update")
    fixer.goto(f"/uploads/{upload.upload_id}")
    version = fixer.get_by_label("Row 2, Version of the export")
    expect(version).to_have_accessible_description(re.compile("it has price 19.99 now"))
    check_accessibility(fixer)

    fixer.get_by_role("button", name="Overwrite the product of row 2").click()
    expect(badge_of(fixer, 2)).to_have_text("Ready")
    expect(version).to_have_value("")
    import_button(fixer).click()
    expect(fixer.locator("#correction-status")).to_have_text(re.compile("1 fixed in.*0 open", re.DOTALL))
    [after] = pipeline.products(created.upload_id)
    assert str(after["price"]) == "25.00"


def test_suggestion_button_fills_the_cell(fixer: Page, uploads: Uploads) -> None:
    upload = uploads.run(2, {0: {"price": "1,234.50"}})
    fixer.goto(f"/uploads/{upload.upload_id}")
    fixer.get_by_role("button", name="Use 1234.50 in row 2").click()
    expect(badge_of(fixer, 2)).to_have_text("Ready")
    expect(fixer.get_by_label("Row 2, Price")).to_have_value("1234.50")


def test_keyboard_alone_corrects_and_imports(fixer: Page, uploads: Uploads) -> None:
    upload = uploads.run(3, {0: {"price": "a"}, 1: {"price": "b"}})
    fixer.goto(f"/uploads/{upload.upload_id}")
    fixer.get_by_label("Row 2, Price").focus()
    for key in ("Control+A", "8", "Enter"):
        fixer.keyboard.press(key)
    expect(fixer.get_by_label("Row 3, Price")).to_be_focused()
    for key in ("Control+A", "9", "Enter"):
        fixer.keyboard.press(key)
    expect(import_button(fixer)).to_have_text("Import 2 fixed rows")
    for _ in range(20):
        if import_button(fixer).evaluate("button => button === document.activeElement"):
            break
        fixer.keyboard.press("Tab")
    fixer.keyboard.press("Enter")
    expect(fixer.locator("#correction-status")).to_have_text(re.compile("2 fixed.*0 open", re.DOTALL))
    expect(fixer.locator("#correction-status")).to_be_focused()


def test_row_changed_in_another_browser_offers_both_values(fixer: Page, second_fixer: Page, uploads: Uploads) -> None:
    upload = uploads.run(3, {0: {"price": "a"}, 1: {"price": "b"}})
    for page in (fixer, second_fixer):
        page.goto(f"/uploads/{upload.upload_id}")
    for line in (2, 3):
        fixer.get_by_label(f"Row {line}, Price").fill("1.50")
        expect(badge_of(fixer, line)).to_have_text("Ready")

    for line in (2, 3):
        second_fixer.get_by_label(f"Row {line}, Price").fill("2.50")
        conflict = second_fixer.locator(f'tr[data-line="{line}"] .conflict')
        expect(conflict).to_contain_text(re.compile("theirs .1.50., yours .2.50."))
    import_button(second_fixer).click(force=True)
    second_fixer.locator('tr[data-line="2"]').get_by_role("button", name="Keep yours").click()
    second_fixer.locator('tr[data-line="3"]').get_by_role("button", name="Use theirs").click()
    expect(second_fixer.get_by_label("Row 3, Price")).to_have_value("1.50")
    expect(badge_of(second_fixer, 2)).to_have_text("Ready")
    expect(import_button(second_fixer)).to_have_text("Import 2 fixed rows")

    fixer.reload()
    expect(fixer.get_by_label("Row 2, Price")).to_have_value("2.50")
    expect(fixer.get_by_label("Row 3, Price")).to_have_value("1.50")


def test_expired_session_keeps_the_typed_values(fixer: Page, uploads: Uploads, pipeline: Pipeline) -> None:
    upload = uploads.run(2, {0: {"price": "a"}})
    fixer.goto(f"/uploads/{upload.upload_id}")
    fixer.context.clear_cookies()
    fixer.get_by_label("Row 2, Price").fill("3.25")
    failure = fixer.locator("#save-failure")
    expect(failure).to_contain_text("You are no longer signed in. Your changes stay on this page")
    expect(fixer.get_by_label("Row 2, Price")).to_have_value("3.25")

    other_tab = fixer.context.new_page()
    sign_in(other_tab, pipeline, pipeline.vendor(VENDOR))
    other_tab.close()
    failure.get_by_role("button", name="Save again").click()
    expect(badge_of(fixer, 2)).to_have_text("Ready")
    expect(failure).to_be_hidden()


def test_lost_connection_keeps_the_typed_values_over_a_reload(fixer: Page, uploads: Uploads) -> None:
    upload = uploads.run(3, {0: {"price": "a"}, 1: {"price": "b"}})
    fixer.goto(f"/uploads/{upload.upload_id}")
    for line in (2, 3):
        fixer.get_by_label(f"Row {line}, Price").fill("1.50")
    expect(import_button(fixer)).to_have_text("Import 2 fixed rows")

    def fail(route: Route) -> None:
        route.abort() if route.request.method == "PUT" else route.continue_()

    fixer.route("**/corrections", fail)
    fixer.get_by_label("Row 2, Price").fill("3.25")
    expect(fixer.locator("#save-failure")).to_contain_text("Can't reach the server.")
    fixer.reload()
    expect(fixer.get_by_label("Row 2, Price")).to_have_value("3.25")
    expect(fixer.locator("#save-failure")).to_be_visible()
    expect(badge_of(fixer, 2)).to_contain_text("Not saved")
    expect(import_button(fixer)).to_be_disabled()
    expect(fixer.locator("#import-hint")).to_have_text("Your changes are not saved yet.")
    fixer.unroute("**/corrections")
    fixer.get_by_role("button", name="Save again").click()
    expect(badge_of(fixer, 2)).to_have_text("Ready")
    expect(import_button(fixer)).to_have_text("Import 2 fixed rows")
    expect(fixer.locator("#ready-text")).to_have_text(", 2 ready to import")


def test_wrong_value_that_is_not_saved_has_no_old_message(fixer: Page, uploads: Uploads) -> None:
    upload = uploads.run(2, {0: {"price": "free"}})
    fixer.goto(f"/uploads/{upload.upload_id}")
    message = fixer.locator("tr[data-row] .cell .field-error")
    expect(message).to_be_visible()
    fixer.context.set_offline(True)
    fixer.get_by_label("Row 2, Price").fill("5")
    expect(message).to_be_hidden()
    expect(badge_of(fixer, 2)).to_have_text("Not saved")
    fixer.context.set_offline(False)
    expect(badge_of(fixer, 2)).to_have_text("Ready")


def test_changes_are_discarded_by_row_and_all_together(fixer: Page, uploads: Uploads) -> None:
    upload = uploads.run(3, {0: {"price": "a"}, 1: {"price": "b"}})
    fixer.goto(f"/uploads/{upload.upload_id}")
    for line in (2, 3):
        fixer.get_by_label(f"Row {line}, Price").fill("5")
        expect(badge_of(fixer, line)).to_have_text("Ready")
    expect(fixer.locator('tr[data-line="2"] .file-value')).to_have_text("In the file: a")

    fixer.get_by_role("button", name="Discard changes of row 2").click()
    expect(fixer.get_by_label("Row 2, Price")).to_have_value("a")
    expect(fixer.get_by_label("Row 2, Price")).to_be_focused()
    expect(badge_of(fixer, 2)).to_have_text("To fix")
    expect(fixer.get_by_label("Row 3, Price")).to_have_value("5")
    expect(import_button(fixer)).to_have_text("Import 1 fixed row")
    expect(fixer.get_by_role("button", name="Discard changes of row 2")).to_be_hidden()

    fixer.get_by_text("Discard all changes").click()
    fixer.get_by_role("button", name="Discard", exact=True).click()
    expect(fixer.get_by_text("Changes discarded.")).to_be_visible()
    expect(fixer.get_by_label("Row 3, Price")).to_have_value("b")
    expect(import_button(fixer)).to_be_disabled()


def test_import_of_changes_that_were_not_seen_is_refused(fixer: Page, second_fixer: Page, uploads: Uploads) -> None:
    upload = uploads.run(3, {0: {"price": "a"}, 1: {"price": "b"}})
    for page, line in ((fixer, 2), (second_fixer, 3)):
        page.goto(f"/uploads/{upload.upload_id}")
        page.get_by_label(f"Row {line}, Price").fill("5")
        expect(badge_of(page, line)).to_have_text("Ready")

    import_button(fixer).click()
    expect(fixer.locator("#import-error")).to_contain_text("The corrections have changed since you last saw them")
    expect(fixer.locator("#import-error")).to_be_in_viewport()
    expect(fixer.get_by_label("Row 3, Price")).to_have_value("5")
    fixer.get_by_role("button", name="Import 2 fixed rows").click()
    expect(fixer.locator("#correction-status")).to_have_text(re.compile("2 fixed.*0 open", re.DOTALL))


def test_filled_group_says_what_is_ready_and_what_is_not(fixer: Page, uploads: Uploads) -> None:
    category = f"Qwfp{secrets.token_hex(3)}"
    wrong_cells = {n: {"category": category} for n in range(4)}
    wrong_cells[3]["price"] = "free"
    upload = uploads.run(5, wrong_cells)
    fixer.goto(f"/uploads/{upload.upload_id}")
    fixer.get_by_label("Category for all 4 rows").select_option("Electronics")
    fixer.get_by_role("button", name="Use for all 4 rows").click()
    expect(fixer.get_by_text("4 rows were filled. 3 rows are ready to import, 1 still has errors.")).to_be_visible()
    fixer.get_by_label("Row 5, Price").fill("5")
    expect(badge_of(fixer, 5)).to_have_text("Ready")
    fixer.reload()
    expect(fixer.locator(".group .badge-completed")).to_have_text(["4 rows ready to import", "1 row ready to import"])
    expect(fixer.get_by_role("button", name=re.compile("for all 4 rows")).first).to_be_hidden()


def test_all_or_nothing_file_is_imported_when_every_row_is_ready(fixer: Page, uploads: Uploads) -> None:
    upload = uploads.run(20, {0: {"price": "a"}, 1: {"price": "b"}}, on_error="reject_file")
    assert upload.valid_records == 0
    fixer.goto(f"/uploads/{upload.upload_id}")
    expect(fixer.get_by_text("18 rows without errors are imported together with the fixed rows.")).to_have_count(1)
    expect(fixer.locator("tr[data-row]")).to_have_count(2)

    fixer.get_by_label("Row 2, Price").fill("1")
    expect(badge_of(fixer, 2)).to_have_text("Ready")
    expect(import_button(fixer)).to_be_disabled()
    expect(fixer.locator("#import-hint")).to_contain_text("1 row still has errors")
    fixer.get_by_label("Row 3, Price").fill("2")
    expect(import_button(fixer)).to_be_enabled()
    fixer.get_by_role("button", name="Import all 20 rows").click()
    expect(fixer.locator("#correction-status")).to_have_text(re.compile("20 fixed.*0 open", re.DOTALL))


def test_rows_with_a_wrong_number_of_fields_are_corrected_by_file(fixer: Page, uploads: Uploads) -> None:
    content = csv_of([product(f"SHORT{secrets.token_hex(3)}")]) + b"only,three,fields\n"
    upload = uploads.pipeline.run(VENDOR, "short.csv", content)
    fixer.goto(f"/uploads/{upload.upload_id}")
    expect(fixer.get_by_text("This row can be corrected in the fix file only.")).to_be_visible()
    expect(badge_of(fixer, 3)).to_have_text("Fix file only")
    expect(fixer.locator("tr[data-row] input")).to_have_count(0)


def test_all_or_nothing_file_with_a_row_for_the_fix_file_has_no_import(fixer: Page, uploads: Uploads) -> None:
    content = csv_of([product(f"WHOLE{secrets.token_hex(3)}")]) + b"only,three,fields\n"
    upload = uploads.pipeline.run(VENDOR, "whole.csv", content, on_error="reject_file")
    fixer.goto(f"/uploads/{upload.upload_id}")
    notice = fixer.locator("#corrections .notice.warning")
    expect(notice).to_contain_text("The file is imported as a whole, and 1 row can be corrected in the fix file only.")
    expect(notice.get_by_role("link", name="Download fix file")).to_be_visible()
    expect(import_button(fixer)).to_have_count(0)


def test_unchanged_rows_are_imported_after_a_change_of_the_catalog(fixer: Page, uploads: Uploads) -> None:
    category = f"Qwfp{secrets.token_hex(3)}"
    upload = uploads.run(3, {n: {"category": category} for n in range(2)})
    fixer.goto("/categories")
    fixer.get_by_role("textbox", name="Your value").fill(category)
    fixer.get_by_role("combobox", name="Category").select_option("Electronics")
    fixer.get_by_role("button", name="Add value").click()
    fixer.goto(f"/uploads/{upload.upload_id}")
    fixer.get_by_role("button", name="Check again without a change").click()
    expect(badge_of(fixer, 2)).to_have_text("Ready")
    expect(import_button(fixer)).to_have_text("Import 2 fixed rows")


def test_formula_in_a_cell_is_shown_as_the_vendor_wrote_it(fixer: Page, uploads: Uploads) -> None:
    upload = uploads.run(2, {0: {"product_name": "=A1+B1"}})
    fixer.goto(f"/uploads/{upload.upload_id}")
    expect(fixer.get_by_label("Row 2, Product name")).to_have_value("=A1+B1")


def test_upload_page_of_an_operator_is_read_only(operator: Page, uploads: Uploads) -> None:
    upload = uploads.run(2, {0: {"price": "a"}})
    operator.goto(f"/uploads/{upload.upload_id}")
    expect(operator.get_by_text("1 rejected: 1 open.")).to_be_visible()
    expect(badge_of(operator, 2)).to_have_text("To fix")
    expect(operator.locator("#corrections :is(input, select, textarea, button)")).to_have_count(0)


@pytest.fixture(scope="module")
def mixed_upload(uploads: Uploads) -> Upload:
    """Return an upload with errors of many kinds."""
    wrong_cells = {
        0: {"price": "12,x"},
        1: {"category": "Elektronicz"},
        2: {"sku": "", "product_name": ""},
        3: {"price": "1,234.50", "description": "two\nlines"},
        4: {"image_url": "ftp://x", "stock_quantity": "many"},
        **{n: {"category": "Men & more of them"} for n in range(5, 40)},
    }
    return uploads.run(42, wrong_cells)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_correction_pages_at_both_widths_are_accessible(
    browser: Browser, pipeline: Pipeline, mixed_upload: Upload, dark: bool
) -> None:
    with open_page(browser, pipeline, dark=dark) as page:
        sign_in(page, pipeline, pipeline.vendor(VENDOR))
        for width in (1280, 375):
            page.set_viewport_size({"width": width, "height": 800})
            for path in ("", "/corrections", "/corrections?state=open"):
                page.goto(f"/uploads/{mixed_upload.upload_id}{path}")
                page.locator("details.more").nth(3).locator("summary").click()
                expect(page.locator("#import-hint")).not_to_be_empty()
                check_accessibility(page)
