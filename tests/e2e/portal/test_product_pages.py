"""The catalog in a browser: products are found, edited, taken off sale, blocked, and their history is read."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support.api_clients import OPERATOR
from tests.support.browser import check_accessibility, open_page, sign_in
from tests.support.running_pipeline import Pipeline, csv_of, product

VENDOR = "SELLER"
SIZES = (1280, 375)


class Products:
    """Products of the vendor, whose names have a word of their own."""

    def __init__(self, pipeline: Pipeline, word: str, count: int) -> None:
        self.word = word
        self.names = [f"{word}-{n}" for n in range(count)]
        self.file_name = f"{word}.csv"
        rows = [product(name, product_name=f"Lamp {word} {n}") for n, name in enumerate(self.names)]
        self.upload = pipeline.run(VENDOR, self.file_name, csv_of(rows))
        self.ids = [int(item["product_id"]) for item in pipeline.products(self.upload.upload_id)]

    def path(self, position: int = 0) -> str:
        return f"/products/{self.ids[position]}"


@pytest.fixture
def products(pipeline: Pipeline) -> Products:
    pipeline.vendor(VENDOR)
    return Products(pipeline, f"e{secrets.token_hex(4)}", 3)


@pytest.fixture
def seller(browser: Browser, pipeline: Pipeline) -> Iterator[Page]:
    """Yield a page of the vendor."""
    with open_page(browser, pipeline) as page:
        sign_in(page, pipeline, pipeline.vendor(VENDOR))
        yield page


@pytest.fixture
def scriptless_seller(browser: Browser, pipeline: Pipeline) -> Iterator[Page]:
    """Yield a page of the vendor in a browser without JavaScript."""
    with open_page(browser, pipeline, has_scripts=False) as page:
        sign_in(page, pipeline, pipeline.vendor(VENDOR))
        yield page


def value_of(page: Page, column: str) -> Locator:
    return page.locator(f'dd[data-column="{column}"]')


def entries_of(page: Page) -> Locator:
    return page.locator(".product-history > li")


def refresh_until(page: Page, expected: Locator) -> None:
    """Follow the link of a page without JavaScript until it shows the expected element."""
    for _ in range(200):
        if expected.count():
            return
        page.get_by_role("link", name="Refresh").click()
    raise AssertionError(f"{page.url} does not show {expected}")


def test_price_is_traced_changed_and_undone_by_mouse(seller: Page, products: Products) -> None:
    seller.goto("/")
    seller.get_by_role("link", name="Products", exact=True).click()
    seller.get_by_label("Name, SKU or product ID").fill(f"{products.word} lamp")
    seller.get_by_role("button", name="Search").click()
    expect(seller.get_by_role("heading", name="3 products")).to_be_visible()
    seller.get_by_role("link", name=f"Lamp {products.word} 1").click()
    expect(value_of(seller, "price")).to_have_text("19.99")
    expect(entries_of(seller)).to_have_count(1)
    expect(entries_of(seller).first.get_by_role("link")).to_have_text(products.file_name)
    expect(entries_of(seller).first).to_contain_text("File in the bucket")
    # The file has three rows: it is undone on its page.
    expect(entries_of(seller).get_by_text("Undo", exact=True)).to_have_count(0)

    seller.get_by_text("Edit", exact=True).click()
    seller.get_by_label("Price", exact=True).fill("12.50")
    seller.get_by_role("button", name="Save").click()
    expect(value_of(seller, "price")).to_have_text("12.50")
    expect(seller.locator("#edit-result")).to_contain_text("Change saved.")
    changed = entries_of(seller).first
    expect(changed).to_contain_text(re.compile(r"Price:\s+19.99 .* 12.50", re.DOTALL))
    expect(changed).to_contain_text(f"Vendor {VENDOR}")
    expect(changed.get_by_role("link")).to_have_text(f"Edit of PROD-{products.names[1]}.csv")

    changed.get_by_text("Undo this change").click()
    changed.get_by_role("button", name="Undo", exact=True).click()
    expect(seller.get_by_text("Change undone.")).to_be_visible()
    expect(value_of(seller, "price")).to_have_text("19.99")
    expect(entries_of(seller)).to_have_count(3)
    expect(entries_of(seller).nth(1).locator(".badge")).to_have_text("Undone")
    # Back to the list of the search, also after changes.
    seller.locator(".breadcrumb").get_by_role("link", name="Products").click()
    expect(seller.get_by_role("heading", name="3 products")).to_be_visible()


def test_product_is_taken_off_sale_and_put_on_sale(seller: Page, products: Products) -> None:
    seller.goto(products.path())
    badge = seller.locator(".page-head .badge").first
    seller.get_by_role("button", name="Take off sale").click()
    expect(badge).to_have_text("Off sale")
    expect(entries_of(seller).first).to_contain_text(re.compile(r"Status:\s+On sale .* Off sale", re.DOTALL))
    seller.get_by_role("button", name="Put on sale").click()
    expect(badge).to_have_text("On sale")


def test_chosen_products_are_taken_off_sale_together(seller: Page, products: Products) -> None:
    seller.goto(f"/products?search={products.word}")
    expect(seller.locator("#choice-actions")).to_be_hidden()
    seller.get_by_label("Choose all products of this page").check()
    seller.get_by_label(f"Choose Lamp {products.word} 0").uncheck()
    seller.locator("summary", has_text="Take off sale").click()
    expect(seller.get_by_text("Take 2 products off sale?")).to_be_visible()
    seller.get_by_role("button", name="Take off sale").click()
    expect(seller.locator("#edit-result")).to_contain_text("2 products changed.")
    expect(seller.locator("td.hide-narrow .badge")).to_have_text(["On sale", "Off sale", "Off sale"])
    # The filter is kept.
    expect(seller.get_by_role("heading", name="3 products")).to_be_visible()
    seller.get_by_label(f"Choose Lamp {products.word} 2").check()
    seller.locator("summary", has_text="Put on sale").click()
    expect(seller.get_by_text("Put 1 product on sale?")).to_be_visible()
    seller.get_by_role("button", name="Put on sale").click()
    expect(seller.locator("#edit-result")).to_contain_text("Change saved.")
    seller.get_by_label("Status").select_option("Off sale")
    seller.get_by_role("button", name="Search").click()
    expect(seller.get_by_role("heading", name="1 product", exact=True)).to_be_visible()


def test_errors_are_shown_beside_the_fields_and_values_are_kept(seller: Page, products: Products) -> None:
    seller.goto(products.path())
    seller.get_by_text("Edit", exact=True).click()
    seller.get_by_label("Price", exact=True).fill("free")
    seller.get_by_label("Brand").fill("Kept")
    seller.get_by_role("button", name="Save").click()
    price = seller.get_by_label("Price", exact=True)
    expect(price).to_have_value("free")
    expect(price).to_be_focused()
    expect(price).to_have_attribute("aria-invalid", "true")
    expect(price).to_have_accessible_description(re.compile("Price must be .*With a decimal point", re.DOTALL))
    expect(seller.get_by_label("Brand")).to_have_value("Kept")
    expect(value_of(seller, "brand")).to_have_text("TechGear")
    check_accessibility(seller)
    price.fill("5")
    seller.get_by_role("button", name="Save").click()
    expect(value_of(seller, "brand")).to_have_text("Kept")
    expect(value_of(seller, "price")).to_have_text("5.00")
    seller.get_by_text("Edit", exact=True).click()
    seller.get_by_role("button", name="Save").click()
    expect(seller.get_by_text("Nothing to save")).to_be_visible()


def test_suggestion_is_used_by_a_button(seller: Page, products: Products) -> None:
    seller.goto(products.path())
    seller.get_by_text("Edit", exact=True).click()
    seller.get_by_label("Image URL").fill("www.example.com/lamp.jpg")
    seller.get_by_role("button", name="Save").click()
    seller.get_by_role("button", name=re.compile("Use .https:..www.example.com.lamp.jpg.")).click()
    expect(seller.get_by_label("Image URL")).to_have_value("https://www.example.com/lamp.jpg")
    seller.get_by_role("button", name="Save").click()
    link = value_of(seller, "image_url").get_by_role("link")
    expect(link).to_have_attribute("href", "https://www.example.com/lamp.jpg")
    expect(link).to_have_attribute("rel", "noopener noreferrer")
    assert seller.locator("main img").count() == 0


def test_change_in_another_tab_is_shown_before_it_is_overwritten(seller: Page, products: Products) -> None:
    other = seller.context.new_page()
    for page in (seller, other):
        page.goto(products.path())
        page.get_by_text("Edit", exact=True).click()
    other.get_by_label("Price", exact=True).fill("7.00")
    other.get_by_label("Brand").fill("Theirs")
    other.get_by_role("button", name="Save").click()
    expect(value_of(other, "price")).to_have_text("7.00")

    seller.get_by_label("Price", exact=True).fill("8.00")
    seller.get_by_role("button", name="Save").click()
    expect(seller.get_by_text("This product has changed meanwhile.")).to_be_visible()
    expect(seller.get_by_label("Price", exact=True)).to_have_value("8.00")
    expect(seller.get_by_text(re.compile("The product has .7.00. now."))).to_be_visible()
    # The value that this tab has not changed is the present one.
    expect(seller.get_by_label("Brand")).to_have_value("Theirs")
    check_accessibility(seller)
    seller.get_by_role("button", name="Overwrite").click()
    expect(value_of(seller, "price")).to_have_text("8.00")
    expect(value_of(seller, "brand")).to_have_text("Theirs")


def test_operator_blocks_a_product_and_the_vendor_sees_the_reason(
    seller: Page, operator: Page, products: Products
) -> None:
    operator.get_by_role("link", name="Products", exact=True).click()
    operator.get_by_label("Name, SKU or product ID").fill(products.word)
    operator.get_by_label("Vendor ID").fill(VENDOR)
    operator.get_by_role("button", name="Search").click()
    operator.get_by_role("link", name=f"Lamp {products.word} 0").click()
    operator.locator("summary", has_text="Block").click()
    operator.get_by_role("button", name="Block").click()
    expect(operator.get_by_text("Enter a value.")).to_be_visible()
    operator.get_by_label("Reason").fill("Recalled by the maker")
    operator.get_by_role("button", name="Block").click()
    expect(operator.get_by_text("Product blocked.")).to_be_visible()
    expect(entries_of(operator).first).to_contain_text(OPERATOR)

    seller.goto(products.path())
    expect(seller.get_by_text("Reason: Recalled by the maker").first).to_be_visible()
    expect(entries_of(seller).first).to_contain_text("The marketplace")
    expect(seller.get_by_role("button", name="Put on sale")).to_have_count(0)
    seller.goto(f"/products?search={products.word}")
    expect(seller.locator("input[name=product_id]")).to_have_count(2)

    operator.locator("summary", has_text="End block").click()
    operator.get_by_role("button", name="End block").click()
    expect(operator.get_by_text("Block ended.")).to_be_visible()
    seller.goto(products.path())
    expect(seller.locator(".page-head .badge").first).to_have_text("On sale")


def test_pages_without_scripts_edit_choose_and_undo(scriptless_seller: Page, products: Products) -> None:
    page = scriptless_seller
    page.goto(products.path())
    page.get_by_text("Edit", exact=True).click()
    page.get_by_label("Price", exact=True).fill("3.00")
    page.get_by_role("button", name="Save").click()
    refresh_until(page, page.get_by_text("Change saved."))
    expect(value_of(page, "price")).to_have_text("3.00")
    page.get_by_text("Undo this change").click()
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(value_of(page, "price")).to_have_text("19.99")

    page.goto(f"/products?search={products.word}")
    page.locator("summary", has_text="Take off sale").click()
    page.get_by_role("button", name="Take off sale").click()
    expect(page.get_by_text("Choose products first")).to_be_visible()
    page.get_by_label(f"Choose Lamp {products.word} 0").check()
    page.locator("summary", has_text="Take off sale").click()
    page.get_by_role("button", name="Take off sale").click()
    refresh_until(page, page.get_by_text("Change saved."))
    expect(page.locator("td.hide-narrow .badge").first).to_have_text("Off sale")


def test_upload_page_links_its_products(seller: Page, products: Products) -> None:
    seller.goto(f"/uploads/{products.upload.upload_id}")
    seller.get_by_role("link", name="All products of this upload").click()
    expect(seller.get_by_role("heading", name="3 products")).to_be_visible()
    expect(seller.get_by_text("Products that").get_by_role("link")).to_have_text(products.file_name)
    seller.goto(f"/uploads/{products.upload.upload_id}")
    seller.get_by_role("link", name=f"Lamp {products.word} 0").click()
    expect(seller.locator(".breadcrumb a")).to_have_attribute("href", "/products")


def test_upload_of_one_product_is_undone_on_its_page(seller: Page, pipeline: Pipeline) -> None:
    single = Products(pipeline, f"s{secrets.token_hex(4)}", 1)
    seller.goto(single.path())
    seller.get_by_text("Undo this change").click()
    seller.get_by_role("button", name="Undo", exact=True).click()
    expect(seller.get_by_text("the product that it added was removed")).to_be_visible()
    response = seller.goto(single.path())
    assert response is not None
    assert response.status == 404


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_pages_with_open_forms_are_accessible(
    browser: Browser, pipeline: Pipeline, products: Products, *, dark: bool
) -> None:
    with ExitStack() as stack:
        for email in (pipeline.vendor(VENDOR), OPERATOR):
            page = stack.enter_context(open_page(browser, pipeline, dark=dark))
            sign_in(page, pipeline, email)
            for width in SIZES:
                page.set_viewport_size({"width": width, "height": 800})
                page.goto(products.path())
                page.get_by_text("Edit", exact=True).click()
                if email == OPERATOR:
                    page.locator("summary", has_text="Block").click()
                check_accessibility(page)
                page.goto(f"/products?search={products.word}")
                page.get_by_label("Choose all products of this page").check()
                page.locator("summary", has_text="Take off sale").click()
                check_accessibility(page)
