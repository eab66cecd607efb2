"""A browser for the tests, and people who sit at it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.api_clients import OPERATOR
from tests.support.browser import CHROMIUM, PATIENCE, chromium, sign_in, somebody
from tests.support.running_pipeline import Pipeline


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        # On a machine that builds, a test that did not run must not look like one that passed.
        assert not os.environ.get("CI"), f"there is no {CHROMIUM}; install it: apt-get install chromium"
        pytest.skip(f"there is no Chromium at {CHROMIUM}: apt-get install chromium, or say where with CHROMIUM=")
    expect.set_options(timeout=PATIENCE)
    with chromium() as found:
        yield found


@pytest.fixture
def visitor(browser: Browser, pipeline: Pipeline) -> Iterator[Page]:
    """Somebody who is not signed in."""
    with somebody(browser, pipeline) as page:
        yield page


@pytest.fixture
def vendor(visitor: Page, pipeline: Pipeline) -> Page:
    """Somebody of the vendor PORTAL, at the first page."""
    sign_in(visitor, pipeline, pipeline.vendor("PORTAL"))
    return visitor


@pytest.fixture
def operator(browser: Browser, pipeline: Pipeline) -> Iterator[Page]:
    """The sample operator, at the overview."""
    with somebody(browser, pipeline) as page:
        sign_in(page, pipeline, OPERATOR)
        yield page
