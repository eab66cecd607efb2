"""A person at the portal: a real Chromium, the mail in the inbox, the mouse and the keyboard."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.support.api_clients import forget_requests, links
from tests.support.running_pipeline import Pipeline, wait_until

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))

# In a container there is no user namespace for the sandbox, and little shared memory.
ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--no-proxy-server"]

PATIENCE = 30_000
"""Milliseconds until something that does not come fails a test."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def somebody(
    browser: Browser, pipeline: Pipeline, *, dark: bool = False, width: int = 1280, height: int = 900
) -> Iterator[Page]:
    """A fresh profile at the portal. Whatever a page's script or policy complains of fails the test."""
    context: BrowserContext = browser.new_context(
        base_url=pipeline.endpoints.portal_url,
        color_scheme="dark" if dark else "light",
        viewport={"width": width, "height": height},
        timezone_id="America/New_York",
        locale="en-US",
    )
    context.set_default_timeout(PATIENCE)
    complaints: list[str] = []
    page = context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if _complains(said.type, said.text) else None)
    try:
        yield page
    finally:
        context.close()
    assert complaints == []


def _complains(kind: str, text: str) -> bool:
    # An answer such as 404 is reported as an error too, and is what some tests ask for.
    return kind == "error" and "Failed to load resource" not in text


def sign_in(page: Page, pipeline: Pipeline, email: str) -> None:
    """By hand: ask for the link, take it from the inbox, press the button."""
    forget_requests(pipeline)
    before = len(links(pipeline, email))
    page.goto("/sign-in")
    page.get_by_label("Email address").fill(email)
    page.get_by_role("button", name="Email me a sign-in link").click()
    expect(page.get_by_role("heading", name="Check your email")).to_be_visible(timeout=PATIENCE)
    token = wait_until(lambda: links(pipeline, email)[before:], f"the sign-in mail to {email}")[0]
    page.goto(f"/sign-in/{token}")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible(timeout=PATIENCE)


def drop(page: Page, name: str, content: bytes) -> None:
    """Drop a file on the form, as a mouse does."""
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


def upload(page: Page, name: str, content: bytes) -> None:
    """Drop a file, wait for the preview, press the button, and stay until the result is there."""
    page.goto("/")
    drop(page, name, content)
    send(page)


def send(page: Page) -> None:
    page.get_by_role("button", name="Upload").click()
    expect(page.locator("#upload")).to_have_attribute("data-done", "true", timeout=PATIENCE)


def checked_by_axe(page: Page) -> None:
    """Whoever sees badly or uses no mouse can use the page, and nothing sticks out of it."""
    found = Axe().run(page)
    assert found.violations_count == 0, f"{page.url}\n{found.generate_report()}"
    beside = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert beside <= 0, f"{page.url} is {beside} pixels too wide"
