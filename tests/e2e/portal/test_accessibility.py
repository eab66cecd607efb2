"""All pages, light and dark, at both widths: accessibility, layout and access control."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from onboarding.web.app import PAGE_ROUTERS
from tests.support.api_clients import OPERATOR, signed_in
from tests.support.api_clients import browser as program
from tests.support.browser import check_accessibility, drop_file, open_page, sign_in
from tests.support.running_pipeline import Pipeline, csv_of, product

SIZES = {"wide": 1280, "narrow": 375}


@pytest.fixture(scope="module")
def upload_id(pipeline: Pipeline) -> str:
    """Return the id of an upload of the vendor PAGES with rejected rows."""
    pipeline.vendor("PAGES")
    rows = [product(f"PAGE{n}") for n in range(12)]
    rows[2]["price"], rows[5]["category"], rows[6]["sku"] = "12,x", "Elektronics", ""
    upload = pipeline.run("PAGES", "with a very long name that has to be broken somewhere_2024.csv", csv_of(rows))
    fix = {"_upload": upload.upload_id, "_row": "4", "_errors": ""} | product("PAGE2")
    pipeline.run("PAGES", "fix.csv", csv_of([fix], fix))
    return upload.upload_id


@pytest.fixture(scope="module")
def product_id(pipeline: Pipeline, upload_id: str) -> int:
    return int(pipeline.products(upload_id)[0]["product_id"])


@pytest.fixture(scope="module")
def empty_vendor(pipeline: Pipeline) -> str:
    return pipeline.vendor("EMPTY")


@pytest.fixture(scope="module", params=["light", "dark"])
def pages(
    request: pytest.FixtureRequest, browser: Browser, pipeline: Pipeline, empty_vendor: str
) -> Iterator[dict[str, Page]]:
    """Yield a page of each kind of user, all with the same colour scheme."""
    with ExitStack() as stack:
        pages_by_user = {}
        for user, email in {
            "anonymous": "", "vendor": pipeline.vendor("PAGES"), "new vendor": empty_vendor, "operator": OPERATOR
        }.items():  # fmt: skip
            pages_by_user[user] = stack.enter_context(open_page(browser, pipeline, dark=request.param == "dark"))
            if email:
                sign_in(pages_by_user[user], pipeline, email)
        yield pages_by_user


CASES = [
    ("anonymous", "/sign-in"),
    ("anonymous", "/sign-in?sent=true"),
    ("anonymous", "/sign-in/nonsense"),
    ("anonymous", "/nowhere"),
    ("vendor", "/"),
    ("vendor", "/uploads"),
    ("vendor", "/uploads?status=failed"),
    ("vendor", "/uploads/{upload}"),
    ("vendor", "/uploads/{upload}/corrections"),
    ("new vendor", "/"),
    ("new vendor", "/uploads"),
    ("vendor", "/products"),
    ("vendor", "/products?search=nothing"),
    ("vendor", "/products?upload_id={upload}"),
    ("vendor", "/products/{product}"),
    ("new vendor", "/products"),
    ("vendor", "/exports"),
    ("vendor", "/mappings"),
    ("vendor", "/categories"),
    ("vendor", "/keys"),
    ("vendor", "/webhook"),
    ("anonymous", "/inbox"),
    ("operator", "/operator"),
    ("operator", "/operator?span=month"),
    ("operator", "/operator/vendors"),
    ("operator", "/operator/vendors/PAGES"),
    ("operator", "/operator/vendors/PAGES/mappings"),
    ("operator", "/operator/vendors/PAGES/value-mappings"),
    ("operator", "/operator/categories"),
    ("operator", "/operator/presets"),
    ("operator", "/operator/keys"),
    ("operator", "/operator/webhook"),
    ("operator", "/operator/audit-log"),
    ("operator", "/operator/issues"),
    ("operator", "/products"),
    ("operator", "/products/{product}"),
    ("operator", "/exports"),
    ("operator", "/uploads"),
    ("operator", "/uploads/{upload}"),
    ("operator", "/uploads/{upload}/corrections"),
]


@pytest.mark.parametrize(("user", "path"), CASES)
def test_page_at_both_widths_is_accessible(
    pages: dict[str, Page], upload_id: str, product_id: int, user: str, path: str
) -> None:
    page = pages[user]
    for width in SIZES.values():
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(path.format(upload=upload_id, product=product_id))
        expect(page.locator("h1")).to_have_count(1)
        check_accessibility(page)


def test_preview_at_both_widths_is_accessible(pages: dict[str, Page]) -> None:
    page = pages["vendor"]
    for width in SIZES.values():
        page.set_viewport_size({"width": width, "height": 800})
        page.goto("/")
        drop_file(page, "look.csv", csv_of([product("AXE1"), product("AXE2", price="cheap")]))
        expect(page.get_by_role("heading", name="Preview")).to_be_visible()
        check_accessibility(page)


def test_operator_pages_for_a_vendor_are_not_found(vendor: Page) -> None:
    names = ("vendors", "categories", "presets", "issues", "audit-log")
    for path in ("/operator", *(f"/operator/{name}" for name in names)):
        response = vendor.goto(path)
        assert response is not None
        assert response.status == 404
        expect(vendor.get_by_role("heading", name="Not found")).to_be_visible()
    vendor.goto("/")
    assert vendor.get_by_role("link", name="Vendors").count() == 0


def _list_paths(upload_id: str, product_id: int) -> Iterator[tuple[str, str]]:
    """Yield method and path of every page, with ids of the vendor PAGES."""
    ids = {
        "{upload_id}": upload_id,
        "{key_id}": "none",
        "{vendor_id}": "PAGES",
        "{category_id}": "1",
        "{mapping_id}": "M1",
        "{value_mapping_id}": "1",
        "{product_id}": str(product_id),
        "{queue}": "watchdog-failures",
    }
    for router in PAGE_ROUTERS:
        for route in router.routes:
            path = str(route.path)  # type: ignore[attr-defined]
            for name, value in ids.items():
                path = path.replace(name, value)
            if not path.startswith(("/sign-in", "/static")):
                yield from ((method, path) for method in route.methods)  # type: ignore[attr-defined]


def test_pages_of_another_vendor_are_not_found(
    pipeline: Pipeline, upload_id: str, product_id: int, empty_vendor: str
) -> None:
    requests = 0
    with closing(signed_in(pipeline, empty_vendor)) as other_client, program(pipeline) as anonymous:
        for method, path in _list_paths(upload_id, product_id):
            response: httpx.Response = anonymous.request(method, path)
            assert response.status_code == 401, f"{method} {path}"
            requests += 1
            if path.startswith("/sign-out"):
                continue
            response = other_client.request(method, path)
            assert "somewhere_2024" not in response.text
            if upload_id in path or path.startswith(
                ("/operator", "/keys/", "/mappings/", "/categories/", f"/products/{product_id}")
            ):
                assert response.status_code == 404, f"{method} {path}"
            elif method == "GET" or path == "/preview":
                assert response.status_code < 400, f"{method} {path}"
            requests += 1
        # Requests that change data need the CSRF token of the session.
        del other_client.headers["X-CSRF-Token"]
        for method, path in _list_paths(upload_id, product_id):
            if method == "POST":
                assert other_client.request(method, path).status_code == 403, path
    assert requests > 20


def test_page_without_session_redirects_to_sign_in(pipeline: Pipeline) -> None:
    with program(pipeline, Accept="text/html") as client:
        for path in ("/", "/uploads", "/operator"):
            response = client.get(path)
            assert (response.status_code, response.headers["location"]) == (303, "/sign-in")


def test_only_static_files_are_cacheable(pipeline: Pipeline) -> None:
    with program(pipeline) as client:
        page = client.get("/sign-in")
        assert page.headers["cache-control"] == "no-store"
        style = page.text.split('rel="stylesheet" href="')[1].split('"')[0]
        response = client.get(style)
        assert (response.status_code, response.headers["content-type"]) == (200, "text/css; charset=utf-8")
        assert "immutable" in response.headers["cache-control"]
        assert client.get("/static/other/app.css").headers["cache-control"] == "no-store"
        for path in ("/static/x/..%2fpages.py", "/static/x/../pages.py", "/static/x/nothing.css", "/static/x"):
            assert client.get(path).status_code == 404
        assert "'unsafe-inline'" not in page.headers["content-security-policy"]
        assert "<style" not in page.text
        assert "style=" not in page.text
