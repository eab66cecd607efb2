"""Change feed: no change is missed, in any order in which transactions begin, write and commit."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field

import psycopg
import pytest

from examples.catalog_mirror import mirror
from onboarding.pipeline.undo import undo_upload
from onboarding.storage import product_feed
from onboarding.storage.catalog import block_product, unblock_product
from onboarding.storage.database import Connection, Database, open_connection
from onboarding.storage.product_feed import FeedPosition, PositionUnknown
from onboarding.web.api.product_changes import change_list_response
from tests.support.catalog_comparison import PRODUCTS_AS_TEXT, list_differences
from tests.support.postgres_fixtures import ACTOR, fetch, open_upload, product_row, record_rows
from tests.support.running_pipeline import wait_until

INSERT = """
insert into products (
    vendor_id, vendor_product_id, product_name, category, sku, price, stock_quantity, upload_id, row_number
)
select 'VEND001', name, name, 'Electronics', name, 1, 1, name, 1 from unnest(%s::text[]) as name
on conflict do nothing
returning product_id
"""
UPDATE = "update products set price = price + 1 where sku = any(%s)"
DELETE = "delete from products where sku = any(%s)"
MERGE = """
merge into products p using unnest(%s::text[]) as name on p.sku = name
when matched and name = 'stored-1' then delete
when matched then update set price = 2
"""


@dataclass
class Reader:
    """A reader of the feed, at its position."""

    database: Database
    limit: int = 100
    position: FeedPosition = field(default_factory=FeedPosition)

    def read_page(self) -> tuple[list[str], bool]:
        """Return the products of the next page by SKU, and whether there are more; `removed` for one without values."""
        page = self.database.run(lambda c: product_feed.list_product_changes(c, self.position, self.limit))
        self.position = page.position
        skus = [str(change.product.values["sku"]) if change.product else "removed" for change in page.changes]
        return skus, page.has_more

    def read(self) -> list[str]:
        skus, has_more = self.read_page()
        while has_more:
            more, has_more = self.read_page()
            skus += more
        return skus


@pytest.fixture
def reader(database: Database, database_url: str) -> Reader:
    """A reader at the end of the feed. Transactions of other tests' connections have ended."""
    reader = Reader(database)
    wait_until(lambda: _has_no_transactions(database), "the transactions of other tests to end")
    reader.read()
    return reader


def _has_no_transactions(database: Database) -> bool:
    query = "select pg_snapshot_xmin(pg_current_snapshot()) = pg_snapshot_xmax(pg_current_snapshot())"
    return bool(fetch(database, query)[0][0])


@pytest.fixture
def others(database_url: str) -> Iterator[tuple[Connection, Connection]]:
    """Two more connections, whose transactions are concurrent."""
    with closing(open_connection(database_url)) as first, closing(open_connection(database_url)) as second:
        yield first, second


def test_feed_transaction_that_writes_first_and_commits_last_is_not_missed(
    reader: Reader, others: tuple[Connection, Connection]
) -> None:
    first, second = others
    with first.transaction():
        first.execute(INSERT, (["early"],))
        second.execute(INSERT, (["late"],))
        # It was committed, but an earlier transaction is running, whose events would have an earlier position.
        assert reader.read() == []
    assert reader.read() == ["early", "late"]
    assert reader.read() == []


def test_feed_transaction_that_begins_first_and_writes_last_is_not_missed(
    reader: Reader, others: tuple[Connection, Connection]
) -> None:
    first, second = others
    with second.transaction():
        with first.transaction():
            # `first` gets the earlier transaction, `second` the earlier event.
            first.execute("select pg_current_xact_id()")
            second.execute(INSERT, (["earlier-event"],))
            first.execute(INSERT, (["earlier-transaction"],))
        assert reader.read() == ["earlier-transaction"]
    assert reader.read() == ["earlier-event"]


def test_feed_during_a_long_transaction_is_delayed_and_complete(
    reader: Reader, others: tuple[Connection, Connection]
) -> None:
    first, second = others
    second.execute(INSERT, (["before"],))
    with first.transaction():
        first.execute("select pg_current_xact_id()")
        for name in ("during-1", "during-2"):
            second.execute(INSERT, ([name],))
        second.execute(UPDATE, (["before"],))
        assert reader.read() == ["before"]
        assert reader.read() == []
    assert reader.read() == ["during-1", "during-2", "before"]


def test_feed_during_a_transaction_that_only_reads_is_not_delayed(
    reader: Reader, others: tuple[Connection, Connection]
) -> None:
    first, second = others
    with first.transaction():
        first.execute("select count(*) from products")
        second.execute(INSERT, (["while-reading"],))
        assert reader.read() == ["while-reading"]


def test_feed_rolled_back_changes_are_not_listed(reader: Reader, others: tuple[Connection, Connection]) -> None:
    first, second = others
    with first.transaction(force_rollback=True):
        first.execute(INSERT, (["rolled-back"],))
        second.execute(INSERT, (["committed"],))
        assert reader.read() == []
    assert reader.read() == ["committed"]
    with first.transaction():
        with first.transaction(force_rollback=True):
            first.execute(INSERT, (["savepoint"],))
        with first.transaction():
            first.execute(INSERT, (["released"],))
    assert reader.read() == ["released"]


def test_feed_lost_connection_does_not_delay_readers(database_url: str, reader: Reader) -> None:
    lost = open_connection(database_url)
    lost.execute("begin")
    lost.execute(INSERT, (["lost"],))
    lost.pgconn.finish()
    fetch(reader.database, INSERT, ["after-the-loss"])
    assert wait_until(reader.read, "the server to end the transaction") == ["after-the-loss"]


def test_feed_removed_products_are_listed_without_values(reader: Reader) -> None:
    [(product_id,)] = fetch(reader.database, INSERT, ["short-lived"])
    position = reader.position
    assert reader.read() == ["short-lived"]
    reader.database.run(lambda c: c.execute(DELETE, (["short-lived"],)))
    assert reader.read() == ["removed"]
    page = reader.database.run(lambda c: product_feed.list_product_changes(c, position, 10))
    assert [(change.product_id, change.product) for change in page.changes] == [(product_id, None)]


@pytest.mark.parametrize(
    ("statement", "parameters", "expected"),
    [
        (INSERT, (["new-1", "new-2"],), 2),
        (INSERT, (["stored-1", "new-1"],), 1),
        (INSERT, (["stored-1", "stored-2"],), 0),
        (UPDATE, (["stored-1", "stored-2"],), 2),
        (UPDATE, (["unknown"],), 0),
        (DELETE, (["stored-1", "stored-2", "unknown"],), 2),
        (DELETE, (["unknown"],), 0),
        (INSERT.replace("do nothing", "(sku) do update set price = 2"), (["stored-1", "new-1"],), 2),
        (MERGE, (["stored-1", "stored-2"],), 2),
    ],
)
def test_feed_statement_adds_an_event_for_each_changed_row(
    reader: Reader, statement: str, parameters: tuple[list[str]], expected: int
) -> None:
    fetch(reader.database, INSERT, ["stored-1", "stored-2"])
    reader.read()
    changed = "select coalesce(sum(cardinality(product_ids)), 0) from product_events"
    [(before,)] = fetch(reader.database, changed)
    reader.database.run(lambda c: c.execute(psycopg.sql.SQL(statement), parameters))
    assert fetch(reader.database, changed) == [(before + expected,)]
    assert len(reader.read()) == expected


def test_feed_upload_its_undo_and_a_block_are_listed(reader: Reader) -> None:
    database = reader.database
    open_upload(database, "UPLOAD_FEED", 2)
    rows = [product_row(f"feed-{n}", n, upload_id="UPLOAD_FEED") for n in (1, 2)]
    record_rows(database, *rows)
    assert sorted(reader.read()) == ["S-feed-1", "S-feed-2"]
    record_rows(database, *rows)
    assert reader.read() == [], "a redelivered batch changes nothing"
    [(product_id,)] = fetch(database, "select product_id from products where sku = 'S-feed-1'")
    database.run(lambda c: block_product(c, ACTOR, product_id, "Not allowed"))
    assert reader.read() == ["S-feed-1"]
    database.run(lambda c: unblock_product(c, ACTOR, product_id))
    assert reader.read() == ["S-feed-1"]
    undo_upload(database, "UPLOAD_FEED", ACTOR)
    assert reader.read() == ["removed", "removed"]


def test_delete_replaced_events_between_two_pages_loses_no_change(reader: Reader) -> None:
    database = reader.database
    names = [f"page-{n}" for n in range(6)]
    for name in names:
        fetch(database, INSERT, [name])
    reader.limit = 2
    assert reader.read_page() == (["page-0", "page-1"], True)
    # Of a product that was read, of the next one, and of one that is removed.
    for name in ("page-1", "page-2", "page-2"):
        database.run(lambda c, name=name: c.execute(UPDATE, ([name],)))  # type: ignore[misc]
    database.run(lambda c: c.execute(DELETE, (["page-4"],)))
    assert database.run(product_feed.delete_replaced_events) >= 4
    assert database.run(product_feed.delete_replaced_events) == 0
    assert reader.read() == ["page-3", "page-5", "page-1", "page-2", "removed"]
    newcomer = Reader(database)
    assert sorted(newcomer.read())[:6] == sorted(["page-0", "page-1", "page-2", "page-3", "page-5", "removed"])[:6]


def test_delete_replaced_events_while_the_later_event_is_hidden_only_delays(
    reader: Reader, others: tuple[Connection, Connection]
) -> None:
    first, second = others
    with first.transaction():
        fetch(reader.database, INSERT, ["replaced"])
        first.execute("select pg_current_xact_id()")
        second.execute(UPDATE, (["replaced"],))
        assert reader.database.run(product_feed.delete_replaced_events) >= 1
        assert reader.read() == []
    assert reader.read() == ["replaced"]


def test_list_product_changes_after_a_position_of_the_future_is_unknown(reader: Reader) -> None:
    [(end,)] = fetch(reader.database, "select pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
    for transaction_id in (end, 2**62):
        with pytest.raises(PositionUnknown):
            reader.database.run(
                lambda c, t=transaction_id: product_feed.list_product_changes(c, FeedPosition(t, 1), 10)  # type: ignore[misc]
            )
    assert reader.read() == []


def test_events_of_many_products_are_divided(reader: Reader) -> None:
    names = [f"many-{n:03}" for n in range(2 * product_feed.EVENT_PRODUCTS + 1)]
    fetch(reader.database, INSERT, names)
    reader.limit = 1
    pages = []
    while skus := reader.read_page()[0]:
        pages.append(skus)
    assert sorted(map(len, pages)) == [1, product_feed.EVENT_PRODUCTS, product_feed.EVENT_PRODUCTS]
    assert sorted(sku for skus in pages for sku in skus) == names


def test_find_position_to_notify_without_a_webhook_is_none(reader: Reader) -> None:
    fetch(reader.database, INSERT, ["notified"])
    database = reader.database
    assert database.run(product_feed.find_position_to_notify) is None
    database.run(lambda c: c.execute("insert into marketplace_webhook (url, secret) values ('https://a.example', 's')"))
    try:
        position = database.run(product_feed.find_position_to_notify)
        assert reader.read() == ["notified"]
        assert position == reader.position
    finally:
        database.run(lambda c: c.execute("delete from marketplace_webhook"))


def test_mirror_during_concurrent_transactions_ends_with_the_state_of_the_catalog(
    reader: Reader, database_url: str
) -> None:
    """Writers begin, write, commit and roll back at random, while a mirror reads and replaced events are deleted."""
    stopped = threading.Event()
    errors: list[BaseException] = []

    def write(seed: int) -> None:
        chance = random.Random(seed)  # noqa: S311 - a seed must reproduce its run
        names = [f"writer-{n}" for n in range(12)]
        with closing(open_connection(database_url)) as connection:
            for _ in range(60):
                with (
                    suppress(psycopg.errors.DeadlockDetected),
                    connection.transaction(force_rollback=chance.random() < 0.2),
                ):
                    if chance.random() < 0.5:
                        connection.execute("select pg_current_xact_id()")
                        stopped.wait(chance.uniform(0, 0.01))
                    for _ in range(chance.randint(1, 3)):
                        statement = chance.choice([INSERT, UPDATE, UPDATE, DELETE])
                        connection.execute(statement, ([chance.choice(names)],))
                        stopped.wait(chance.uniform(0, 0.005))

    def run(seed: int) -> None:
        try:
            write(seed)
        except BaseException as error:  # noqa: BLE001 - raised below
            errors.append(error)

    mirrored = mirror.open_mirror(":memory:")

    def fetch_page(after: str | None) -> mirror.Page:
        position = FeedPosition.parse(after) if after else FeedPosition()
        page = reader.database.run(lambda c: product_feed.list_product_changes(c, position, 4))
        response: mirror.Page = json.loads(change_list_response(page).model_dump_json())
        return response

    writers = [threading.Thread(target=run, args=(seed,)) for seed in range(5)]
    with closing(mirrored):
        for thread in writers:
            thread.start()
        rounds = 0
        while any(thread.is_alive() for thread in writers):
            mirror.synchronize(mirrored, fetch_page)
            rounds += 1
            if rounds % 5 == 0:
                reader.database.run(product_feed.delete_replaced_events)
        assert errors == []
        assert rounds > 5
        wait_until(lambda: _has_no_transactions(reader.database), "all transactions to end")
        mirror.synchronize(mirrored, fetch_page)
        assert list_differences(mirrored, fetch(reader.database, PRODUCTS_AS_TEXT)) == []
