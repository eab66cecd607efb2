"""Mirror of the catalog that reads the change feed while faults occur, as a system of the marketplace does."""

from __future__ import annotations

import json
import threading
import time
import weakref
from contextlib import suppress

import psycopg

from examples.catalog_mirror import mirror
from onboarding.storage import product_feed
from onboarding.storage.product_feed import FeedPosition
from onboarding.web.api.product_changes import change_list_response
from tests.faults.lambda_runtime import Runtime
from tests.support.catalog_comparison import PRODUCTS_AS_TEXT, list_differences

PAGE_SIZE = 5
"""So few events that a page often ends within a transaction."""

READ_EVERY = 2
"""Number of calls after which the mirror reads, so that the events of one are read and those of the next are not."""

PATIENCE = 30.0


class CatalogMirror:
    """A mirror in memory, by the program of `examples/catalog_mirror`."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._mirror = mirror.open_mirror(":memory:")
        weakref.finalize(self, self._mirror.close)
        self._lock = threading.Lock()
        self._calls = 0

    def after_call(self) -> None:
        """Read the feed now and then, while other calls are running. It fails while the database is unavailable."""
        with self._lock:
            self._calls += 1
            if self._calls % READ_EVERY == 0:
                with suppress(psycopg.OperationalError):
                    mirror.synchronize(self._mirror, self._fetch_page)

    def _fetch_page(self, after: str | None) -> mirror.Page:
        position = FeedPosition.parse(after) if after else FeedPosition()
        page = self._runtime.observe(lambda c: product_feed.list_product_changes(c, position, PAGE_SIZE))
        response: mirror.Page = json.loads(change_list_response(page).model_dump_json())
        return response

    def list_differences(self) -> list[str]:
        """Read the feed to its end, and describe the products that differ from the catalog."""
        self.wait_for_transactions()
        with self._lock:
            mirror.synchronize(self._mirror, self._fetch_page)
            return list_differences(self._mirror, self._runtime.fetch(PRODUCTS_AS_TEXT))

    def wait_for_transactions(self) -> None:
        """Wait until all transactions have ended: the server may still run a statement of a crashed client."""
        [(end,)] = self._runtime.fetch("select pg_snapshot_xmax(pg_current_snapshot())::text")
        ended = "select pg_snapshot_xmin(pg_current_snapshot()) >= %s::xid8"
        deadline = time.monotonic() + PATIENCE
        while self._runtime.fetch(ended, (end,)) != [(True,)]:
            assert time.monotonic() < deadline, "a transaction does not end"
            time.sleep(0.002)
