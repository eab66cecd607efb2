"""Page of exports: request, progress without and with JavaScript, download, failures."""

from __future__ import annotations

from pathlib import Path

import pytest
from openpyxl import load_workbook
from playwright.sync_api import Browser, Page, expect

from tests.support.browser import check_accessibility, open_page, sign_in
from tests.support.running_pipeline import Pipeline, csv_of, product

SIZES = {"wide": 1280, "narrow": 375}
VENDOR = "EXPORTPAGES"


@pytest.fixture(scope="module")
def email(pipeline: Pipeline) -> str:
    """Return the address of a vendor with two products."""
    address = pipeline.vendor(VENDOR)
    rows = [product("page-1", product_name="Portable lamp"), product("page-2", product_name="Portable chair")]
    pipeline.run(VENDOR, "export-pages.csv", csv_of(rows))
    return address


def insert_export(pipeline: Pipeline, export_id: str, status: str, written: int) -> None:
    """Insert an export with a status that the pipeline would not have for long."""
    pipeline.connection.execute(
        "insert into exports (export_id, vendor_id, format, filters, status, created_by, total_rows, written_rows, "
        "completed_at) values (%(id)s, %(vendor)s, 'csv', '{}', %(status)s::text, 'test', 10000, %(written)s, "
        "case when %(status)s::text = 'failed' then now() end)",
        {"id": export_id, "vendor": VENDOR, "status": status, "written": written},
    )


def test_export_is_requested_followed_and_downloaded(
    browser: Browser, pipeline: Pipeline, email: str, tmp_path: Path
) -> None:
    with open_page(browser, pipeline) as page:
        sign_in(page, pipeline, email)
        page.goto("/exports?search=lamp&status=active")
        expect(page.get_by_text("Search: lamp, Status: On sale").first).to_be_visible()
        page.get_by_label("Format of the export").select_option("Excel workbook")
        page.get_by_role("button", name="Export products").click()
        expect(page.locator("#export-notice")).to_be_visible()
        row = page.get_by_role("row").filter(has_text="Search: lamp")
        with page.expect_download() as download:
            row.get_by_role("link", name="Download").click()
        file = tmp_path / "export.xlsx"
        download.value.save_as(file)
        assert download.value.suggested_filename.startswith("products_")
        header, values = load_workbook(file)["Products"].iter_rows(values_only=True)
        assert values[header.index("product_name")] == "Portable lamp"
        check_accessibility(page)


@pytest.mark.parametrize("width", SIZES.values(), ids=SIZES)
def test_export_progress_is_updated_in_the_page(browser: Browser, pipeline: Pipeline, email: str, width: int) -> None:
    insert_export(pipeline, f"Eprogress{width}", "running", 2000)
    insert_export(pipeline, f"Efailed{width}", "failed", 0)
    with open_page(browser, pipeline, width=width) as page:
        sign_in(page, pipeline, email)
        page.goto("/exports")
        expect(page.get_by_text("2,000 of 10,000 written")).to_be_visible()
        expect(page.get_by_text("Export the products again.").first).to_be_visible()
        check_accessibility(page)
        pipeline.connection.execute(
            "update exports set written_rows = 4000 where export_id = %s", (f"Eprogress{width}",)
        )
        expect(page.get_by_text("4,000 of 10,000 written")).to_be_visible()
        pipeline.connection.execute(
            "update exports set status = 'completed', completed_at = now(), written_rows = 10000, "
            "size_bytes = 1234567, s3_key = 'exports/none.csv' where export_id = %s",
            (f"Eprogress{width}",),
        )
        expect(page.get_by_text("1.2 MB")).to_be_visible()
        expect(page.get_by_text("Export finished.")).to_be_attached()
        check_accessibility(page)
    pipeline.connection.execute(
        "delete from exports where export_id in (%s, %s)", (f"Eprogress{width}", f"Efailed{width}")
    )


def test_export_page_without_scripts_has_a_link_to_refresh(browser: Browser, pipeline: Pipeline, email: str) -> None:
    insert_export(pipeline, "Enoscript", "running", 2000)
    with open_page(browser, pipeline) as page:
        sign_in(page, pipeline, email)
        cookies = page.context.cookies()
        with open_page(browser, pipeline, has_scripts=False) as plain_page:
            plain_page.context.add_cookies(cookies)  # type: ignore[arg-type]
            plain_page.goto("/exports")
            expect(plain_page.get_by_text("2,000 of 10,000 written")).to_be_visible()
            pipeline.connection.execute("update exports set written_rows = 4000 where export_id = 'Enoscript'")
            plain_page.get_by_role("link", name="Refresh").click()
            expect(plain_page.get_by_text("4,000 of 10,000 written")).to_be_visible()
    pipeline.connection.execute("delete from exports where export_id = 'Enoscript'")


def test_export_limit_is_explained(browser: Browser, pipeline: Pipeline, email: str) -> None:
    for number in range(2):
        insert_export(pipeline, f"Elimit{number}", "running", 0)
    with open_page(browser, pipeline) as page:
        sign_in(page, pipeline, email)
        page.goto("/exports")
        page.get_by_role("button", name="Export products").click()
        expect(page.get_by_role("alert").first).to_contain_text("2 exports are not finished yet")
        check_accessibility(page)
    pipeline.connection.execute("delete from exports where export_id in ('Elimit0', 'Elimit1')")


def test_export_page_of_operators_names_vendors(operator: Page) -> None:
    operator.goto("/exports?vendor_id=EXPORTPAGES")
    expect(operator.get_by_text("Vendor: EXPORTPAGES").first).to_be_visible()
    response = operator.goto("/exports?status=sold")
    assert response is not None
    assert response.status == 400
    expect(operator.get_by_text("These filters are not valid.")).to_be_visible()
