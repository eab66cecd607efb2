"""Chromium pages of an anonymous user, a vendor and an operator."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.api_clients import OPERATOR
from tests.support.browser import CHROMIUM, TIMEOUT_MS, chromium, open_page, sign_in
from tests.support.running_pipeline import Pipeline


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Yield a browser, closed after each file: its event loop would disturb the tests of other files."""
    if not CHROMIUM.exists():
        # In CI, a missing browser must fail the run, not skip the tests.
        assert not os.environ.get("CI"), f"there is no {CHROMIUM}; install it: apt-get install chromium"
        pytest.skip(f"there is no Chromium at {CHROMIUM}: apt-get install chromium, or set CHROMIUM to its path")
    expect.set_options(timeout=TIMEOUT_MS)
    with chromium() as chromium_browser:
        yield chromium_browser


@pytest.fixture
def anonymous(browser: Browser, pipeline: Pipeline) -> Iterator[Page]:
    """Yield a page of a user who is not signed in."""
    with open_page(browser, pipeline) as page:
        yield page


@pytest.fixture
def vendor(anonymous: Page, pipeline: Pipeline) -> Page:
    """Return the home page of the vendor PORTAL."""
    sign_in(anonymous, pipeline, pipeline.vendor("PORTAL"))
    return anonymous


@pytest.fixture
def operator(browser: Browser, pipeline: Pipeline) -> Iterator[Page]:
    """Yield the overview page of the sample operator."""
    with open_page(browser, pipeline) as page:
        sign_in(page, pipeline, OPERATOR)
        yield page
