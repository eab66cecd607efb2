"""Corrections in a browser without JavaScript: the table of rejected rows is a form."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from onboarding.domain.models import Upload
from tests.support.browser import open_page, sign_in
from tests.support.running_pipeline import Pipeline, csv_of, product

VENDOR = "NOSCRIPT"


@pytest.fixture
def pages(browser: Browser, pipeline: Pipeline) -> Iterator[tuple[Page, Page]]:
    """Yield a page in each of two browsers."""
    email = pipeline.vendor(VENDOR)
    with (
        open_page(browser, pipeline, has_scripts=False) as page,
        open_page(browser, pipeline, has_scripts=False) as second_page,
    ):
        for signed_in_page in (page, second_page):
            sign_in(signed_in_page, pipeline, email)
        yield page, second_page


def upload_rows(pipeline: Pipeline, name: str, wrong_cells: dict[int, dict[str, str]]) -> Upload:
    rows = [product(f"{name}{secrets.token_hex(3)}", **wrong_cells.get(n, {})) for n in range(max(wrong_cells) + 2)]
    return pipeline.run(VENDOR, f"{name}.csv", csv_of(rows))


def open_until(page: Page, url: str, condition: Callable[[], bool]) -> None:
    """Open a page again until the condition is true."""
    for _ in range(200):
        page.goto(url)
        if condition():
            return
    raise AssertionError(f"timed out waiting for {url}")


def test_form_saves_checks_and_imports_rows(pages: tuple[Page, Page], pipeline: Pipeline) -> None:
    page, _ = pages
    upload = upload_rows(
        pipeline,
        "FORM",
        {0: {"price": "a", "description": "two\r\nlines"}, 1: {"category": "Elektronicz"}, 2: {"price": "c"}},
    )
    url = f"/uploads/{upload.upload_id}"
    page.goto(url)
    page.get_by_label("Row 2, Price").fill("-5")
    page.get_by_role("button", name="Save and check").last.click()
    expect(page.get_by_text("Changes saved and checked.")).to_be_visible()
    expect(page.get_by_label("Row 2, Price")).to_have_accessible_description(re.compile("at least 0.01"))
    drafts = pipeline.connection.execute(
        "select row_number, cells from corrections where upload_id = %s", (upload.upload_id,)
    ).fetchall()
    assert drafts == [(1, {"price": "-5"})]

    page.get_by_role("button", name="Use Electronics in row 3").click()
    expect(page.get_by_label("Row 3, Category")).to_have_value("Electronics")
    page.get_by_label("Row 2, Price").fill("5")
    page.get_by_role("button", name="Import 1 fixed row").click()
    expect(page.locator("#correction-status")).to_contain_text("1 open")

    status = page.locator("#correction-status")
    open_until(page, url, lambda: "2 fixed" in (status.text_content() or ""))
    expect(status).to_have_text(re.compile(r"3 rejected:\s+2 fixed in\s+FORM . fixes\.csv,\s+1 open\."))


def test_import_without_a_fixed_row_says_what_to_do(pages: tuple[Page, Page], pipeline: Pipeline) -> None:
    page, _ = pages
    upload = upload_rows(pipeline, "NONE", {0: {"price": "a"}})
    page.goto(f"/uploads/{upload.upload_id}")
    page.get_by_role("button", name="Import fixed rows").click()
    expect(page.get_by_role("alert").first).to_have_text(
        "No corrected row is free of errors. Fix at least one row first."
    )


def test_row_changed_in_another_browser_offers_both_values(pages: tuple[Page, Page], pipeline: Pipeline) -> None:
    page, second_page = pages
    upload = upload_rows(pipeline, "CONFLICT", {0: {"price": "a"}, 1: {"price": "b"}, 2: {"price": "c"}})
    for browser_page in pages:
        browser_page.goto(f"/uploads/{upload.upload_id}")
    for line in (2, 3, 4):
        page.get_by_label(f"Row {line}, Price").fill("1.50")
    page.get_by_role("button", name="Save and check").last.click()
    expect(page.locator("#correction-status")).to_contain_text("3 ready to import")

    # Row 4 is not edited here, and so not in conflict.
    for line in (2, 3):
        second_page.get_by_label(f"Row {line}, Price").fill("2.50")
    second_page.get_by_role("button", name="Save and check").last.click()
    expect(second_page.get_by_role("alert").first).to_contain_text("Somebody else changed these rows meanwhile.")
    expect(second_page.locator(".conflict")).to_have_count(2)
    expect(second_page.locator(".conflict").first).to_contain_text(re.compile("Price: theirs .1.50."))
    expect(second_page.get_by_label("Row 2, Price")).to_have_value("2.50")
    second_page.locator('tr[data-line="3"]').get_by_label("Use theirs").check()
    second_page.get_by_role("button", name="Save and check").last.click()

    expect(second_page.get_by_label("Row 2, Price")).to_have_value("2.50")
    expect(second_page.get_by_label("Row 3, Price")).to_have_value("1.50")
    expect(second_page.get_by_label("Row 4, Price")).to_have_value("1.50")


def test_group_form_fills_one_value_in_all_rows(pages: tuple[Page, Page], pipeline: Pipeline) -> None:
    page, _ = pages
    upload = upload_rows(pipeline, "FILL", {n: {"category": "Zzyzx"} for n in range(3)})
    page.goto(f"/uploads/{upload.upload_id}")
    page.get_by_role("button", name="Use for all 3 rows").click()
    expect(page.get_by_role("alert").first).to_have_text("Choose or enter a value for the rows first.")
    page.get_by_label("Category for all 3 rows").select_option("Electronics")
    page.get_by_label("Always translate").uncheck()
    page.get_by_role("button", name="Use for all 3 rows").click()
    expect(page.get_by_text("3 rows were filled.")).to_be_visible()
    expect(page.get_by_role("button", name="Import 3 fixed rows")).to_be_visible()
    stored = pipeline.connection.execute("select 1 from value_mappings where vendor_id = %s", (VENDOR,)).fetchone()
    assert stored is None


def test_changes_of_a_row_and_all_changes_are_discarded(pages: tuple[Page, Page], pipeline: Pipeline) -> None:
    page, _ = pages
    upload = upload_rows(pipeline, "DISCARD", {0: {"price": "a"}, 1: {"price": "b"}})
    page.goto(f"/uploads/{upload.upload_id}")
    for line in (2, 3):
        page.get_by_label(f"Row {line}, Price").fill("5")
    page.get_by_role("button", name="Save and check").last.click()
    expect(page.get_by_text("In the file: a")).to_be_visible()
    page.get_by_role("button", name="Discard changes of row 2").click()
    expect(page.get_by_text("Changes discarded.")).to_be_visible()
    expect(page.get_by_label("Row 2, Price")).to_have_value("a")
    expect(page.get_by_label("Row 3, Price")).to_have_value("5")

    page.get_by_text("Discard all changes").click()
    page.get_by_role("button", name="Discard", exact=True).click()
    expect(page.get_by_label("Row 3, Price")).to_have_value("b")


def test_import_and_fill_of_changes_that_were_not_seen_are_refused(
    pages: tuple[Page, Page], pipeline: Pipeline
) -> None:
    page, second_page = pages
    upload = upload_rows(pipeline, "UNSEEN", {0: {"price": "a"}, 1: {"price": "b"}, 2: {"price": "c"}})
    for browser_page in pages:
        browser_page.goto(f"/uploads/{upload.upload_id}")
    second_page.get_by_label("Row 3, Price").fill("5")
    second_page.get_by_role("button", name="Save and check").last.click()

    page.get_by_label("Row 2, Price").fill("6")
    page.locator("#import-button").click()
    alert = page.get_by_role("alert").first
    expect(alert).to_contain_text("The corrections have changed since you last saw them")
    expect(page.get_by_label("Row 2, Price")).to_have_value("6")
    expect(page.get_by_label("Row 3, Price")).to_have_value("5")
    expect(page.get_by_role("button", name="Import 2 fixed rows")).to_be_visible()

    page.get_by_text("One value for all 3 rows").click()
    second_page.get_by_label("Row 4, Price").fill("7")
    second_page.get_by_role("button", name="Save and check").last.click()
    page.get_by_label("Price for all 3 rows").fill("8")
    page.get_by_role("button", name="Use for all 3 rows").click()
    expect(alert).to_contain_text("The corrections have changed since you last saw them")
    page.get_by_role("button", name="Import 3 fixed rows").click()
    expect(page.locator("#correction-status")).to_contain_text("0 open")
