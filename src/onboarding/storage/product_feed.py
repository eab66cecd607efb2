"""Repository for the change feed of products, and for the search index that follows it."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

import psycopg

from onboarding.domain.catalog import CatalogProduct
from onboarding.storage.catalog import get_products
from onboarding.storage.database import Connection, Database
from onboarding.storage.queries import query

EVENT_PRODUCTS = 200
"""Maximum number of products of an event, as in the trigger of `products`."""

REFRESHED_EVENTS = 250
"""Number of events whose products one transaction adds to the search index: up to 50,000 products."""


@dataclass(frozen=True, slots=True, order=True)
class FeedPosition:
    """Position in the feed: a transaction of PostgreSQL and an event in it. The first one is 0 and 0.

    Its text, such as `812-40`, is the cursor of readers.
    """

    transaction_id: int = 0
    event_id: int = 0

    def __str__(self) -> str:
        return f"{self.transaction_id}-{self.event_id}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the position with this text. Raises ValueError."""
        match = re.fullmatch(r"([0-9]{1,19})-([0-9]{1,19})", text)
        numbers = [int(number) for number in match.groups()] if match else []
        # As a bigint of PostgreSQL.
        if not numbers or max(numbers) >= 2**63:
            raise ValueError(f"{text!r} is no position of the change feed")
        return cls(*numbers)


class PositionUnknown(Exception):
    """The position is after the last transaction of the database: it comes from before a backup was restored."""


@dataclass(frozen=True, slots=True)
class ProductChange:
    """A product that was created, changed or removed. `product` has its values now; None: it was removed."""

    product_id: int
    product: CatalogProduct | None


@dataclass(frozen=True, slots=True)
class FeedPage:
    """Products that changed after a position, each once, and the position after them.

    `has_more`: there may be further changes.
    """

    changes: Sequence[ProductChange]
    position: FeedPosition
    has_more: bool


def list_product_changes(connection: Connection, after: FeedPosition, limit: int) -> FeedPage:
    """Return the next products that changed: about `limit`, since events of several products are not divided.

    No change is missed, in any order of commits. A product may be repeated on a later page, and may
    already have the values of a later change. Raises PositionUnknown.
    """
    params = {"transaction_id": str(after.transaction_id), "event_id": after.event_id, "limit": limit}
    events = connection.execute(query("list_product_events"), params).fetchall()
    if not events:
        [(is_known,)] = connection.execute(query("is_feed_position_known"), params).fetchall()
        if not is_known:
            raise PositionUnknown
        return FeedPage([], after, has_more=False)
    product_ids = list(dict.fromkeys(product_id for _, _, ids in events for product_id in ids))
    products = {product.product_id: product for product in get_products(connection, product_ids)}
    changes = [ProductChange(product_id, products.get(product_id)) for product_id in product_ids]
    transaction_id, event_id, _ = events[-1]
    has_more = sum(len(ids) for _, _, ids in events) >= limit
    return FeedPage(changes, FeedPosition(int(transaction_id), event_id), has_more)


def find_position_to_notify(connection: Connection) -> FeedPosition | None:
    """Return the position of the newest event, or None if the marketplace has no webhook.

    Readers see it as soon as no earlier transaction is running.
    """
    row = connection.execute(query("find_position_to_notify")).fetchone()
    return FeedPosition(int(row[0]), row[1]) if row else None


def delete_replaced_events(connection: Connection) -> int:
    """Delete the products of events that have a later one; return the number of deleted events, which are empty.

    No reader misses a change.
    """
    return connection.execute(query("delete_replaced_product_events")).rowcount


def refresh_search(database: Database, seconds: float = math.inf) -> None:
    """Make products searchable by their present words, as far as readers see their events. Idempotent.

    It stops after `seconds`; the next call continues.
    """
    deadline = time.monotonic() + seconds
    while database.run(_refresh_next) and time.monotonic() < deadline:
        pass


def try_to_refresh_search(database: Database) -> None:
    """Do the same for the next events, without an exception: the watchdog continues, and reports a failure."""
    with suppress(psycopg.Error):
        database.run(_refresh_next)


def _refresh_next(connection: Connection) -> bool:
    """Refresh the search for the next events; return whether there may be more."""
    [(events,)] = connection.execute(query("refresh_product_search"), {"max_events": REFRESHED_EVENTS}).fetchall()
    return bool(events == REFRESHED_EVENTS)
