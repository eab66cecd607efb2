"""Chromium at the portal: sign-in, uploads and accessibility checks."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.support.api_clients import forget_requests, sign_in_tokens
from tests.support.running_pipeline import Pipeline, wait_until

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))

# Containers have no user namespace for the sandbox, and little shared memory.
ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--no-proxy-server"]

TIMEOUT_MS = 30_000
"""How long a test waits for a change of the page, in milliseconds."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Yield the system's Chromium, without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def open_page(
    browser: Browser,
    pipeline: Pipeline,
    *,
    dark: bool = False,
    width: int = 1280,
    height: int = 900,
    has_scripts: bool = True,
) -> Iterator[Page]:
    """Yield a page with a new browser profile. Errors of scripts and violations of the page's policy fail the test."""
    context: BrowserContext = browser.new_context(
        base_url=pipeline.endpoints.portal_url,
        color_scheme="dark" if dark else "light",
        viewport={"width": width, "height": height},
        timezone_id="America/New_York",
        locale="en-US",
        java_script_enabled=has_scripts,
    )
    context.set_default_timeout(TIMEOUT_MS)
    errors: list[str] = []
    page = context.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if _is_error(message.type, message.text) else None)
    try:
        yield page
    finally:
        context.close()
    assert errors == []


def _is_error(kind: str, text: str) -> bool:
    # Chromium also logs responses such as 404, which some tests expect.
    return kind == "error" and "Failed to load resource" not in text


def sign_in(page: Page, pipeline: Pipeline, email: str) -> None:
    """Sign in on the pages: request the link, open it from the e-mail, press the button."""
    forget_requests(pipeline)
    before = len(sign_in_tokens(pipeline, email))
    page.goto("/sign-in")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_role("button", name="E-mail me a sign-in link").click()
    expect(page.get_by_role("heading", name="Check your e-mail")).to_be_visible(timeout=TIMEOUT_MS)
    token = wait_until(lambda: sign_in_tokens(pipeline, email)[before:], f"the sign-in e-mail to {email}")[0]
    page.goto(f"/sign-in/{token}")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible(timeout=TIMEOUT_MS)


def drop_file(page: Page, name: str, content: bytes) -> None:
    """Drop a file on the upload form with the events of a mouse."""
    page.locator("#upload-form[data-ready]").wait_for()
    transfer = page.evaluate_handle(
        """([name, bytes]) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(bytes)], name));
            return transfer;
        }""",
        [name, list(content)],
    )
    page.dispatch_event("#dropzone", "dragover", {"dataTransfer": transfer})
    page.dispatch_event("#dropzone", "drop", {"dataTransfer": transfer})


def upload_file(page: Page, name: str, content: bytes) -> None:
    """Upload a file on the home page; return when the page shows the result."""
    page.goto("/")
    drop_file(page, name, content)
    submit_upload(page)


def submit_upload(page: Page, name: str = "Upload") -> None:
    """Press the button with this name, or its number of rows behind it; return when the page shows the result."""
    page.get_by_role("button", name=re.compile(rf"^{name}( [\d,]+ rows?)?$")).click()
    expect(page.locator("#upload")).to_have_attribute("data-done", "true", timeout=TIMEOUT_MS)


def check_accessibility(page: Page) -> None:
    """Check that axe finds no violation and that the page is not wider than its window."""
    result = Axe().run(page)
    assert result.violations_count == 0, f"{page.url}\n{result.generate_report()}"
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0, f"{page.url} is {overflow} pixels too wide"
