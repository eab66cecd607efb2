"""Pages for API keys, the webhook, vendors and categories, and the local inbox."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from onboarding.storage.api_keys import SCOPES
from onboarding.web.portal.api_keys import SCOPE_LABELS
from tests.support.api_clients import forget_requests, key_client
from tests.support.browser import check_accessibility, open_page, sign_in
from tests.support.http_server import serve
from tests.support.running_pipeline import Pipeline, csv_of, product, wait_until


def test_scope_labels_cover_every_scope() -> None:
    assert set(SCOPE_LABELS) == set(SCOPES)


def test_api_key_is_displayed_once_works_and_can_be_revoked(vendor: Page, pipeline: Pipeline) -> None:
    vendor.get_by_role("link", name="API keys").click()
    vendor.get_by_label("Name").fill("Nightly export")
    vendor.get_by_label("Expires in").select_option("1 year")
    vendor.get_by_label("Upload files, cancel and undo uploads").uncheck()
    vendor.get_by_role("button", name="Create key").click()
    key = vendor.locator("#new-key").inner_text()
    check_accessibility(vendor)
    with key_client(pipeline, key) as program:
        session = program.get("/v1/session").json()
        assert (session["vendor_id"], session["scopes"]) == ("PORTAL", ["uploads:read"])
    # A reload sends the form again: it creates no second key and does not show the first one.
    vendor.reload()
    expect(vendor.get_by_text("This key was already created")).to_be_visible()
    expect(vendor.get_by_role("listitem").filter(has_text="Nightly export")).to_have_count(1)
    assert key not in vendor.content()

    vendor.get_by_text("Revoke Nightly export").click()
    vendor.get_by_role("button", name="Revoke key").click()
    expect(vendor.get_by_role("status")).to_contain_text("Key revoked.")
    expect(vendor.get_by_role("heading", name="Inactive keys")).to_be_visible()
    with key_client(pipeline, key) as program:
        assert program.get("/v1/session").status_code == 401


def test_marketplace_key_is_displayed_once_works_and_can_be_revoked(operator: Page, pipeline: Pipeline) -> None:
    feed = "/v1/operator/product-changes"
    operator.get_by_role("link", name="Keys", exact=True).click()
    operator.get_by_role("button", name="Create key").click()
    expect(operator.get_by_label("Name")).to_have_attribute("aria-invalid", "true")
    operator.get_by_label("Name").fill("Search index")
    operator.get_by_role("button", name="Create key").click()
    key = operator.locator("#new-key").inner_text()
    check_accessibility(operator)
    with key_client(pipeline, key) as program:
        assert program.get(feed).status_code == 200
    operator.reload()
    expect(operator.get_by_text("This key was already created")).to_be_visible()
    listed_key = operator.get_by_role("listitem").filter(has_text="Search index")
    expect(listed_key).to_have_count(1)
    expect(listed_key.get_by_text("View the products of all vendors")).to_be_visible()
    assert key not in operator.content()
    operator.get_by_text("Revoke Search index").click()
    operator.get_by_role("button", name="Revoke key").click()
    expect(operator.get_by_role("status")).to_contain_text("Key revoked.")
    expect(operator.get_by_role("heading", name="Inactive keys")).to_be_visible()
    with key_client(pipeline, key) as program:
        assert program.get(feed).status_code == 401


def test_marketplace_webhook_is_added_tested_and_removed(
    operator: Page, server: tuple[list[dict[str, Any]], str]
) -> None:
    received, url = server
    operator.goto("/operator/keys")
    operator.get_by_role("link", name="notified of changes").click()
    operator.get_by_label("URL").fill(url)
    operator.get_by_role("button", name="Add webhook").click()
    expect(operator.locator("#new-secret")).to_contain_text("whsec_")
    operator.get_by_role("button", name="Send test message").click()
    wait_until(lambda: received, "the test message")
    expect(operator.get_by_text("Delivered", exact=True).first).to_be_visible()
    expect(operator.get_by_role("cell", name=re.compile("^Test message")).first).to_be_visible()
    check_accessibility(operator)
    operator.get_by_text("Remove webhook").click()
    operator.get_by_role("button", name="Remove", exact=True).click()
    expect(operator.get_by_role("status")).to_contain_text("Webhook removed.")


def test_api_key_without_name_or_permission_shows_field_errors(vendor: Page) -> None:
    vendor.goto("/keys")
    for label in SCOPE_LABELS.values():
        vendor.get_by_label(label).uncheck()
    vendor.get_by_role("button", name="Create key").click()
    expect(vendor.get_by_text("Select at least one permission.")).to_be_visible()
    expect(vendor.get_by_label("Name")).to_have_attribute("aria-invalid", "true")
    check_accessibility(vendor)


@pytest.fixture
def server() -> Iterator[tuple[list[dict[str, Any]], str]]:
    """Yield the requests that a vendor's server received, and its URL."""
    received: list[dict[str, Any]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Write no log."""

    with serve(Receiver) as url:
        yield received, f"{url}/hook"


def test_webhook_is_added_tested_and_removed(
    vendor: Page, pipeline: Pipeline, server: tuple[list[dict[str, Any]], str]
) -> None:
    received, url = server
    vendor.get_by_role("link", name="Webhook").click()
    vendor.get_by_label("URL").fill("ftp://example.com")
    vendor.get_by_role("button", name="Add webhook").click()
    expect(vendor.get_by_role("alert")).to_contain_text("must begin with https://")
    vendor.get_by_label("URL").fill(url)
    vendor.get_by_role("button", name="Add webhook").click()
    secret = vendor.locator("#new-secret").inner_text()
    check_accessibility(vendor)

    vendor.get_by_role("button", name="Send test message").click()
    wait_until(lambda: received, "the test message")
    # The list of deliveries refreshes automatically.
    expect(vendor.get_by_text("Delivered", exact=True)).to_be_visible()
    assert secret not in vendor.content()
    upload = pipeline.run("PORTAL", "delivered.csv", csv_of([product("DELIVERED1")]))
    expect(vendor.get_by_role("link", name=upload.upload_id)).to_be_visible()

    url = vendor.get_by_label("URL").input_value()
    vendor.get_by_label("URL").fill("no url")
    vendor.get_by_label("Generate a new secret").check()
    vendor.get_by_role("button", name="Save").click()
    expect(vendor.get_by_label("URL")).to_have_attribute("aria-invalid", "true")
    expect(vendor.get_by_label("Generate a new secret")).to_be_checked()
    vendor.get_by_label("URL").fill(url)
    vendor.get_by_role("button", name="Save").click()
    expect(vendor.locator("#new-secret")).to_be_visible()
    expect(vendor.locator("#new-secret")).not_to_have_text(secret)
    vendor.get_by_text("Remove webhook").click()
    vendor.get_by_role("button", name="Remove", exact=True).click()
    expect(vendor.get_by_role("status")).to_contain_text("Webhook removed.")
    expect(vendor.get_by_role("button", name="Add webhook")).to_be_visible()


def test_operator_adds_changes_and_suspends_a_vendor(operator: Page, pipeline: Pipeline) -> None:
    operator.get_by_role("link", name="Vendors", exact=True).click()
    operator.get_by_label("Vendor ID").fill("invalid id")
    operator.get_by_label("Name", exact=True).fill("Fresh <b>Foods")
    operator.get_by_role("button", name="Add vendor").click()
    expect(operator.get_by_label("Vendor ID")).to_have_attribute("aria-invalid", "true")
    expect(operator.get_by_label("E-mail address")).to_have_attribute("aria-invalid", "true")
    expect(operator.get_by_label("Vendor ID")).to_have_accessible_description(re.compile("^Not valid. "))
    expect(operator.get_by_label("E-mail address")).to_have_accessible_description(re.compile("^Enter a value. "))
    expect(operator.get_by_label("Name", exact=True)).to_have_value("Fresh <b>Foods")
    check_accessibility(operator)
    operator.get_by_label("Vendor ID").fill("VEND001")
    operator.get_by_label("E-mail address").fill("fresh@foods.example")
    operator.get_by_role("button", name="Add vendor").click()
    expect(operator.get_by_role("alert")).to_contain_text("Vendor VEND001 already exists.")
    operator.get_by_label("Vendor ID").fill("FRESH")
    operator.get_by_role("button", name="Add vendor").click()
    expect(operator.get_by_role("heading", name="Fresh <b>Foods")).to_be_visible()

    operator.get_by_label("Name", exact=True).fill("Fresh Foods")
    operator.get_by_role("button", name="Save").click()
    expect(operator.get_by_role("heading", name="Fresh Foods")).to_be_visible()
    operator.get_by_text("Suspend vendor").click()
    operator.get_by_role("button", name="Suspend", exact=True).click()
    expect(operator.get_by_role("status")).to_contain_text("Vendor suspended")
    check_accessibility(operator)
    assert _vendor_status(pipeline) == "suspended"
    operator.get_by_role("button", name="Activate vendor").click()
    expect(operator.get_by_role("status")).to_contain_text("Vendor activated")
    assert _vendor_status(pipeline) == "active"
    operator.get_by_role("link", name="View all").click()
    expect(operator.get_by_role("cell", name="Vendor created")).to_be_visible()


def test_operator_revokes_key_and_signs_vendor_out(operator: Page, vendor: Page, pipeline: Pipeline) -> None:
    vendor.goto("/keys")
    vendor.get_by_label("Name").fill("Leaked")
    vendor.get_by_role("button", name="Create key").click()
    key = vendor.locator("#new-key").inner_text()
    operator.goto("/operator/vendors/PORTAL")
    operator.get_by_text("Revoke Leaked").click()
    operator.get_by_role("button", name="Revoke key").click()
    expect(operator.get_by_role("status")).to_contain_text("Key revoked.")
    with key_client(pipeline, key) as program:
        assert program.get("/v1/session").status_code == 401
    operator.get_by_text("Sign out everywhere").click()
    operator.get_by_role("main").get_by_role("button", name="Sign out").click()
    expect(operator.get_by_role("status")).to_contain_text("signed out everywhere")
    check_accessibility(operator)
    vendor.goto("/uploads")
    expect(vendor).to_have_url(re.compile("/sign-in$"))


def test_sign_out_everywhere_ends_every_session(vendor: Page) -> None:
    vendor.goto("/keys")
    vendor.get_by_text("Sign out everywhere").click()
    vendor.get_by_role("main").get_by_role("button", name="Sign out").click()
    expect(vendor.get_by_text("You are signed out.")).to_be_visible()


def _vendor_status(pipeline: Pipeline) -> str:
    [(status,)] = pipeline.connection.execute("select status from vendors where vendor_id = 'FRESH'").fetchall()
    return str(status)


def test_operator_adds_and_disables_a_category(operator: Page, pipeline: Pipeline) -> None:
    operator.get_by_role("link", name="Categories", exact=True).click()
    operator.get_by_label("Name").fill("Board Games")
    operator.get_by_role("button", name="Add category").click()
    row = operator.get_by_role("row", name=re.compile("Board Games"))
    expect(row.get_by_text("Active")).to_be_visible()
    operator.get_by_label("Name").fill("Board Games")
    operator.get_by_role("button", name="Add category").click()
    expect(operator.get_by_role("alert")).to_contain_text("Category Board Games already exists.")
    operator.get_by_role("button", name="Disable Board Games").click()
    expect(operator.get_by_role("status")).to_contain_text("disabled")
    pipeline.vendor("PORTAL")
    upload = pipeline.run("PORTAL", "games.csv", csv_of([product("GAME1", category="Board Games")]))
    assert upload.error_records == 1
    operator.get_by_role("button", name="Enable Board Games").click()
    expect(row.get_by_text("Active")).to_be_visible()


def test_viewer_sees_no_forms_that_change_data(browser: Browser, pipeline: Pipeline) -> None:
    pipeline.connection.execute(
        "insert into operators (email, name) values ('page-viewer@techmart.example', 'Viewer') on conflict do nothing"
    )
    with open_page(browser, pipeline) as page:
        sign_in(page, pipeline, "page-viewer@techmart.example")
        for path in (
            "/operator/vendors",
            "/operator/vendors/VEND001",
            "/operator/vendors/VEND001/value-mappings",
            "/operator/categories",
            "/operator/presets",
            "/operator/keys",
            "/operator/issues",
        ):
            page.goto(path)
            expect(page.get_by_role("heading", level=1)).to_be_visible()
            assert page.locator('main form[method="post"]').count() == 0, path


def test_demo_account_signs_in_through_the_inbox(anonymous: Page, pipeline: Pipeline) -> None:
    forget_requests(pipeline)
    anonymous.goto("/")
    anonymous.get_by_role("button", name="TechGear (vendor)").click()
    anonymous.get_by_role("link", name="Open the inbox").click()
    email = anonymous.get_by_role("listitem").filter(has_text="contact@techgear.com")
    email.get_by_role("link", name="Your sign-in link").first.click()
    check_accessibility(anonymous)
    anonymous.locator(".email-body a").click()
    anonymous.get_by_role("button", name="Sign in").click()
    expect(anonymous.get_by_text("TechGear", exact=True)).to_be_visible()
    anonymous.goto("/inbox/nothing.eml")
    expect(anonymous.get_by_role("heading", name="Not found")).to_be_visible()


def test_inbox_email_with_markup_shows_text(anonymous: Page, pipeline: Pipeline) -> None:
    pipeline.vendor("PORTAL")
    name = '"><img src=x onerror="document.title=1">.csv'
    pipeline.run("PORTAL", name, csv_of([product("EMAIL1", product_name=name)]))
    anonymous.goto("/inbox")
    anonymous.get_by_role("link", name="Product Upload Complete").first.click()
    expect(anonymous.locator(".email-body")).to_be_visible()
    assert anonymous.locator("main img").count() == 0
