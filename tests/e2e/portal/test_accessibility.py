"""Every page, in light and dark and at both widths: nothing that axe finds, nothing that does not fit; and walls."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from onboarding.web.app import PAGES
from tests.support.api_clients import OPERATOR, signed_in
from tests.support.api_clients import browser as program
from tests.support.browser import checked_by_axe, drop, sign_in, somebody
from tests.support.running_pipeline import Pipeline, csv_of, product

SIZES = {"wide": 1280, "narrow": 375}


@pytest.fixture(scope="module")
def bad_upload(pipeline: Pipeline) -> str:
    """An upload of the vendor PAGES with something to mend."""
    pipeline.vendor("PAGES")
    rows = [product(f"PAGE{n}") for n in range(12)]
    rows[2]["price"], rows[5]["category"], rows[6]["sku"] = "12,x", "Elektronics", ""
    return pipeline.run(
        "PAGES", "with a very long name that has to be broken somewhere_2024.csv", csv_of(rows)
    ).upload_id


@pytest.fixture(scope="module")
def empty_vendor(pipeline: Pipeline) -> str:
    return pipeline.vendor("EMPTY")


@pytest.fixture(scope="module", params=["light", "dark"])
def people(
    request: pytest.FixtureRequest, browser: Browser, pipeline: Pipeline, empty_vendor: str
) -> Iterator[dict[str, Page]]:
    """Somebody of each kind, all with the same colours."""
    with ExitStack() as stack:
        found = {}
        for kind, email in {
            "visitor": "", "vendor": pipeline.vendor("PAGES"), "new vendor": empty_vendor, "operator": OPERATOR
        }.items():  # fmt: skip
            found[kind] = stack.enter_context(somebody(browser, pipeline, dark=request.param == "dark"))
            if email:
                sign_in(found[kind], pipeline, email)
        yield found


CASES = [
    ("visitor", "/sign-in"),
    ("visitor", "/sign-in?sent=true"),
    ("visitor", "/sign-in/nonsense"),
    ("visitor", "/nowhere"),
    ("vendor", "/"),
    ("vendor", "/uploads"),
    ("vendor", "/uploads?status=failed"),
    ("vendor", "/uploads/{upload}"),
    ("vendor", "/uploads/{upload}/errors"),
    ("new vendor", "/"),
    ("new vendor", "/uploads"),
    ("vendor", "/keys"),
    ("vendor", "/webhook"),
    ("visitor", "/inbox"),
    ("operator", "/operator"),
    ("operator", "/operator?span=month"),
    ("operator", "/operator/vendors"),
    ("operator", "/operator/vendors/PAGES"),
    ("operator", "/operator/categories"),
    ("operator", "/operator/audit-log"),
    ("operator", "/operator/issues"),
    ("operator", "/uploads"),
    ("operator", "/uploads/{upload}"),
]


@pytest.mark.parametrize(("who", "path"), CASES)
def test_page_at_both_widths_is_accessible(people: dict[str, Page], bad_upload: str, who: str, path: str) -> None:
    page = people[who]
    for width in SIZES.values():
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(path.format(upload=bad_upload))
        expect(page.locator("h1")).to_have_count(1)
        checked_by_axe(page)


def test_preview_at_both_widths_is_accessible(people: dict[str, Page]) -> None:
    page = people["vendor"]
    for width in SIZES.values():
        page.set_viewport_size({"width": width, "height": 800})
        page.goto("/")
        drop(page, "look.csv", csv_of([product("AXE1"), product("AXE2", price="cheap")]))
        expect(page.get_by_role("heading", name="Preview")).to_be_visible()
        checked_by_axe(page)


def test_operator_pages_for_a_vendor_are_not_found(vendor: Page) -> None:
    for path in ("/operator", "/operator/vendors", "/operator/categories", "/operator/issues", "/operator/audit-log"):
        answer = vendor.goto(path)
        assert answer is not None
        assert answer.status == 404
        expect(vendor.get_by_role("heading", name="Not found")).to_be_visible()
    vendor.goto("/")
    assert vendor.get_by_role("link", name="Vendors").count() == 0


def _addresses(upload_id: str) -> Iterator[tuple[str, str]]:
    """Every page with things of the vendor PAGES for its parameters."""
    theirs = {
        "{upload_id}": upload_id,
        "{key_id}": "none",
        "{vendor_id}": "PAGES",
        "{category_id}": "1",
        "{queue}": "watchdog-failures",
    }
    for router in PAGES:
        for route in router.routes:
            path = str(route.path)  # type: ignore[attr-defined]
            for name, value in theirs.items():
                path = path.replace(name, value)
            if not path.startswith(("/sign-in", "/static")):
                yield from ((method, path) for method in route.methods)  # type: ignore[attr-defined]


def test_pages_of_another_vendor_are_not_found(pipeline: Pipeline, bad_upload: str, empty_vendor: str) -> None:
    tried = 0
    with closing(signed_in(pipeline, empty_vendor)) as other, program(pipeline) as nobody:
        for method, path in _addresses(bad_upload):
            answer: httpx.Response = nobody.request(method, path)
            assert answer.status_code == 401, f"{method} {path}"
            tried += 1
            if path.startswith("/sign-out"):
                continue
            answer = other.request(method, path)
            assert "somewhere_2024" not in answer.text
            if bad_upload in path or path.startswith(("/operator", "/keys/")):
                assert answer.status_code == 404, f"{method} {path}"
            elif method == "GET" or path == "/preview":
                assert answer.status_code < 400, f"{method} {path}"
            tried += 1
        # What changes something needs the token of its own pages.
        del other.headers["X-CSRF-Token"]
        for method, path in _addresses(bad_upload):
            if method == "POST":
                assert other.request(method, path).status_code == 403, path
    assert tried > 20


def test_page_without_session_redirects_to_sign_in(pipeline: Pipeline) -> None:
    with program(pipeline, Accept="text/html") as client:
        for path in ("/", "/uploads", "/operator"):
            answer = client.get(path)
            assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")


def test_only_static_files_are_cacheable(pipeline: Pipeline) -> None:
    with program(pipeline) as client:
        page = client.get("/sign-in")
        assert page.headers["cache-control"] == "no-store"
        style = page.text.split('rel="stylesheet" href="')[1].split('"')[0]
        answer = client.get(style)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/css; charset=utf-8")
        assert "immutable" in answer.headers["cache-control"]
        assert client.get("/static/other/app.css").headers["cache-control"] == "no-store"
        for path in ("/static/x/..%2fpages.py", "/static/x/../pages.py", "/static/x/nothing.css", "/static/x"):
            assert client.get(path).status_code == 404
        assert "'unsafe-inline'" not in page.headers["content-security-policy"]
        assert "<style" not in page.text
        assert "style=" not in page.text
