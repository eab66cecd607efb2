"""The column `status` in a browser: statuses of another system are matched, and wrong ones are corrected."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browser import check_accessibility, drop_file, open_page, sign_in, submit_upload
from tests.support.running_pipeline import Pipeline, csv_of, product


@pytest.fixture
def page(browser: Browser, pipeline: Pipeline) -> Iterator[Page]:
    """Yield a page that nobody has signed in to."""
    with open_page(browser, pipeline) as page:
        yield page


def file_of(prefix: str, statuses: Sequence[str], **cells: str) -> bytes:
    return csv_of(product(f"{prefix}{n}", status=status, **cells) for n, status in enumerate(statuses))


def apply_choices(page: Page) -> None:
    with page.expect_response(re.compile("/preview")):
        page.get_by_role("button", name="Apply", exact=True).click()
    expect(page.locator("#preview")).not_to_have_attribute("aria-busy", "true")


def list_statuses(pipeline: Pipeline, prefix: str) -> list[str]:
    query = "select status from products where sku like %s order by sku"
    return [status for (status,) in pipeline.connection.execute(query, (f"SKU-{prefix}%",)).fetchall()]


def test_statuses_of_another_system_are_matched_once_and_belong_to_the_mapping(page: Page, pipeline: Pipeline) -> None:
    sign_in(page, pipeline, pipeline.vendor("STATUSES"))
    drop_file(page, "shop.csv", file_of("SHOP-A", ["Active", "Draft", "Hidden", "draft"], category="Men"))
    expect(page.get_by_role("heading", name="Match categories")).to_be_focused()
    page.get_by_label("Our category for 'Men'").select_option("Men's Clothing")
    expect(page.get_by_role("row", name=re.compile("^Draft 2 rows"))).to_be_visible()
    expect(page.get_by_label("Name of the mapping")).to_be_hidden()
    page.get_by_label("Our status for 'Draft'").select_option("inactive")
    expect(page.get_by_label("Name of the mapping")).to_be_visible()
    page.get_by_label("Our status for 'Hidden'").select_option("inactive")
    check_accessibility(page)
    apply_choices(page)
    expect(page.locator("#preview")).to_contain_text("All 4 rows are valid.")
    submit_upload(page)
    expect(page.locator("#rejected-rows")).to_have_text("0")
    expect(page.get_by_text("'Draft' → inactive, 2 rows")).to_be_visible()
    assert list_statuses(pipeline, "SHOP-A") == ["active", "inactive", "inactive", "inactive"]

    # Without any of our own statuses.
    page.goto("/")
    drop_file(page, "shop.csv", file_of("SHOP-B", ["Hidden", "Draft"], category="Men"))
    expect(page.locator("#preview")).to_contain_text("All 2 rows are valid.")
    expect(page.locator("#mapping-step[data-required]")).to_have_count(0)
    submit_upload(page)
    assert list_statuses(pipeline, "SHOP-B") == ["inactive", "inactive"]

    page.goto("/categories")
    expect(page.get_by_role("row", name=re.compile("^Men "))).to_be_visible()
    expect(page.get_by_text("Draft")).to_have_count(0)
    page.goto("/mappings")
    page.get_by_role("link", name="shop", exact=True).click()
    expect(
        page.get_by_text("Values of Status are translated: 'Draft' → inactive, 'Hidden' → inactive.")
    ).to_be_visible()


def test_statuses_without_ours_are_ignored_and_can_be_matched(page: Page, pipeline: Pipeline) -> None:
    sign_in(page, pipeline, pipeline.vendor("FOREIGN"))
    drop_file(page, "hidden.csv", file_of("FOREIGN", ["Live", "Hidden"]).replace(b"status", b"Status"))
    expect(page.locator("#preview")).to_contain_text("All 2 rows are valid.")
    expect(page.locator("#preview")).to_contain_text("none of its values is active, inactive or blocked")
    page.get_by_text("1 column is not imported").click()
    page.get_by_label("Our column for 'Status'").select_option(label="Status")
    apply_choices(page)
    expect(page.get_by_role("heading", name="Match statuses")).to_be_focused()
    page.get_by_label("Our status for 'Live'").select_option("active")
    page.get_by_label("Our status for 'Hidden'").select_option("inactive")
    apply_choices(page)
    submit_upload(page)
    assert list_statuses(pipeline, "FOREIGN") == ["active", "inactive"]


def test_wrong_status_is_corrected_with_a_choice(page: Page, pipeline: Pipeline) -> None:
    sign_in(page, pipeline, pipeline.vendor("WRONG"))
    upload = pipeline.run("WRONG", "wrong-status.csv", file_of("WRONG", ["active", "paused", "paused"]))
    page.goto(f"/uploads/{upload.upload_id}")
    page.get_by_label("Status for all 2 rows").select_option("inactive")
    page.get_by_role("button", name="Use for all 2 rows").click()
    expect(page.get_by_label("Row 3, Status")).to_have_value("inactive")
    expect(page.get_by_label("Row 3, Status")).to_have_attribute("list", "status-names")
    check_accessibility(page)
    page.get_by_role("button", name="Import 2 fixed rows").click()
    expect(page.locator("#correction-status")).to_have_text(re.compile("2 fixed.*0 open", re.DOTALL))
    assert list_statuses(pipeline, "WRONG") == ["active", "inactive", "inactive"]
