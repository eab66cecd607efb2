"""Mirror the catalog of the marketplace into an SQLite database, by its change feed.

    ONBOARDING_KEY=onb_... python mirror.py https://onboarding.example.com catalog.db            # once
    ONBOARDING_KEY=onb_... python mirror.py https://onboarding.example.com catalog.db --every 30 # until stopped

The changes of a page and the position after them are written in one transaction. The program may therefore be killed at
any time: it continues after the last page that was written, and a page that it reads again changes nothing.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import sqlite3
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

PAGE_SIZE = 200
TIMEOUT = 60

Page = dict[str, Any]
FetchPage = Callable[[str | None], Page]
"""Returns the page of the feed after a position (None: the first page)."""

SCHEMA = """
-- A product as the feed returns it, as JSON: new columns of the catalog need no change here.
create table if not exists products (product_id integer primary key, vendor_id text not null, product text not null);
create table if not exists position (singleton integer primary key check (singleton = 1), next text not null);
"""


class PositionUnknown(Exception):
    """The feed no longer knows the position: an older state of its database was restored."""


def open_mirror(path: str) -> sqlite3.Connection:
    """Open a mirror, and create its tables if they do not exist."""
    mirror = sqlite3.connect(path, check_same_thread=False)
    mirror.executescript(SCHEMA)
    return mirror


def synchronize(mirror: sqlite3.Connection, fetch_page: FetchPage) -> int:
    """Read the feed to its end; return the number of changes."""
    count, has_more = 0, True
    while has_more:
        row = mirror.execute("select next from position").fetchone()
        try:
            page = fetch_page(row and row[0])
        except PositionUnknown:
            with mirror:
                mirror.execute("delete from products")
                mirror.execute("delete from position")
            continue
        write_page(mirror, page)
        count, has_more = count + len(page["items"]), page["has_more"]
    return count


def write_page(mirror: sqlite3.Connection, page: Page) -> None:
    """Write the changes of a page and the position after it in one transaction."""
    removed = [(item["product_id"],) for item in page["items"] if item["is_removed"]]
    products = [
        (item["product_id"], item["product"]["vendor_id"], json.dumps(item["product"], ensure_ascii=False))
        for item in page["items"]
        if not item["is_removed"]
    ]
    with mirror:
        mirror.executemany("delete from products where product_id = ?", removed)
        mirror.executemany("insert or replace into products values (?, ?, ?)", products)
        mirror.execute("insert or replace into position values (1, ?)", (page["next"],))


def fetch_from(url: str, key: str) -> FetchPage:
    """Return the function that fetches pages from the portal at `url`."""

    def fetch_page(after: str | None) -> Page:
        query = urllib.parse.urlencode({"limit": PAGE_SIZE} | ({"after": after} if after else {}))
        request = urllib.request.Request(  # noqa: S310 - the address is that of the command line
            f"{url.rstrip('/')}/v1/operator/product-changes?{query}", headers={"Authorization": f"Bearer {key}"}
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as response:  # noqa: S310
                page: Page = json.load(response)
                return page
        except urllib.error.HTTPError as error:
            if error.code == HTTPStatus.GONE:
                raise PositionUnknown from error
            raise

    return fetch_page


def main() -> int:
    parser = argparse.ArgumentParser(description="Mirror the catalog into an SQLite database.")
    parser.add_argument("url", help="address of the portal")
    parser.add_argument("database", help="path of the SQLite database")
    parser.add_argument(
        "--every", type=float, metavar="SECONDS", help="read again after so many seconds; default: once"
    )
    arguments = parser.parse_args()
    mirror = open_mirror(arguments.database)
    fetch_page = fetch_from(arguments.url, os.environ["ONBOARDING_KEY"])
    while True:
        try:
            print(f"{synchronize(mirror, fetch_page)} changes", flush=True)
        except (OSError, ValueError, http.client.HTTPException) as error:
            # No connection, an error of the server, or a response that was cut off: the next run continues.
            print(f"not synchronized: {error}", file=sys.stderr, flush=True)
            if arguments.every is None:
                return 1
        if arguments.every is None:
            return 0
        time.sleep(arguments.every)


if __name__ == "__main__":
    sys.exit(main())
