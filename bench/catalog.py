"""The catalog: search and lists at a million products, exports, the change feed, and its cost for the validator."""

from __future__ import annotations

import itertools
import os
import statistics
import time
from collections.abc import Callable, Iterator
from tempfile import TemporaryFile

from bench import files, validation
from bench.harness import Harness, start_harness
from bench.measure import Report
from onboarding.domain.catalog import CatalogProduct, ProductFilter
from onboarding.domain.column_types import ProductStatus
from onboarding.files.product_export import CsvExport, WorkbookExport
from onboarding.storage import catalog, product_feed
from onboarding.storage.database import Connection
from onboarding.storage.queries import query

PART = "catalog"
MILLION = 1_000_000
SEARCH_MILLISECONDS = 200
MAX_COST = 1.1
PAGE = 51
EXPORT_PAGE = 2_000

# One vendor with a tenth of the products, the others with equal shares; names of four words from lists of different
# lengths, so that words are common and rare.
FILL = """
insert into products (
    upload_id, row_number, vendor_id, vendor_product_id, product_name, category, description, sku, brand, price,
    stock_quantity, image_url, status
)
select
    'FILL' || n / 10000, n, 'FILL' || case when n <= %(count)s / 10 then 0 else n %% 99 + 1 end, 'PROD' || n,
    adjectives[1 + (hashint4(n) & 7)] || ' ' || nouns[1 + (hashint4(n * 7) & 15)] || ' - Model '
        || (hashint4(n * 13) & 8191) || ' ' || colors[1 + (n & 3)],
    categories[1 + (hashint4(n * 3) & 3)], repeat('Ergonomic wireless mouse ', 3), 'CA-' || n %% 100 || '-' || n,
    'TechGear', 1 + (n %% 5000) / 100.0, 150, 'https://images.example.com/' || n || '.jpg',
    case when n %% 1000 = 0 then 'inactive' else 'active' end
from (select n from generate_series(1, %(count)s) as n order by hashint4(n)) as numbers
cross join (
    select
        '{Wireless,Ergonomic,Steel,Cotton,Bamboo,Compact,Smart,Classic}'::text[] as adjectives,
        '{Mouse,Lamp,Chair,Towel,Knife,Jacket,Speaker,Bottle,Shelf,Cable,Tent,Puzzle,Mug,Drill,Socks,Phone}'::text[]
            as nouns,
        '{Black,White,Red,Blue}'::text[] as colors,
        '{Electronics,Clothing,Kitchen,Garden}'::text[] as categories
) as words
"""

BIG_VENDOR, SMALL_VENDOR = "FILL0", "FILL7"

FILTERS = {
    "list": ProductFilter(),
    "category": ProductFilter(category="Kitchen"),
    "status": ProductFilter(status=ProductStatus.INACTIVE),
    "common word": ProductFilter(search="mouse"),
    "two words": ProductFilter(search="wireless mou"),
    "two beginnings": ProductFilter(search="comp jack"),
    "word and category": ProductFilter(search="lamp", category="Garden"),
    "word and number": ProductFilter(search="bamboo shelf 4711"),
    "model": ProductFilter(search="model 815"),
    "sku": ProductFilter(search="CA-7-500107"),
    "id": ProductFilter(search="PROD77777"),
    "no product": ProductFilter(search="nonexistent"),
    "word off sale": ProductFilter(search="towel", status=ProductStatus.INACTIVE),
}


def measure(report: Report, *, quick: bool) -> None:
    rounds, count, rows = (1, 5_000, 200) if quick else (5, MILLION, 10_000)
    with start_harness() as harness:
        _measure_cost(report, harness, rows, rounds)
        fill(harness, count)
        _measure_search(report, harness, rounds * 4)
        _measure_feed(report, harness, rounds)
        _measure_exports(report, harness, count // 10, rounds)


def fill(harness: Harness, count: int) -> None:
    """Insert `count` products of a hundred vendors and make them searchable."""
    with harness.connect() as connection:
        connection.execute("set statement_timeout = 0")
        connection.execute("truncate products, product_events, product_search")
        connection.execute(
            "insert into vendors (vendor_id, vendor_name, email) "
            "select 'FILL' || n, 'Vendor ' || n, 'fill' || n || '@vendors.example' from generate_series(0, 99) as n"
        )
        connection.execute(FILL, {"count": count})
        connection.commit()
        connection.autocommit = True
        connection.execute("select refresh_product_search(1000000)")
        # The state in which autovacuum leaves a catalog that grew over weeks.
        connection.execute("vacuum analyze products")
        connection.execute("vacuum analyze product_search")


def _measure_search(report: Report, harness: Harness, rounds: int) -> None:
    """Measure one page for each filter, in turns, by an operator and by vendors below row-level security."""
    principals = {
        "operator": None,
        "vendor with a tenth of them": BIG_VENDOR,
        "vendor with a hundredth": SMALL_VENDOR,
    }
    with harness.connect() as connection:
        for principal, vendor_id in principals.items():
            times: dict[str, list[float]] = {name: [] for name in FILTERS}
            for _, (name, conditions) in itertools.product(range(rounds), FILTERS.items()):
                times[name].append(_list_page(connection, vendor_id, conditions) * 1e3)
            all_times = sorted(itertools.chain.from_iterable(times.values()))
            p95 = all_times[int(len(all_times) * 0.95)]
            slowest = max(times, key=lambda name: statistics.median(times[name]))
            report.add(PART, f"search, p95, {principal}", "ms", [p95], SEARCH_MILLISECONDS)
            report.add(PART, f"slowest search, {principal}: {slowest}", "ms", times[slowest])


def _list_page(connection: Connection, vendor_id: str | None, conditions: ProductFilter) -> float:
    with connection.transaction():
        if vendor_id is None:
            connection.execute(query("set_role"), {"role": "onboarding_operator"})
        else:
            connection.execute(query("restrict_to_vendor"), {"vendor_id": vendor_id})
        started = time.perf_counter()
        catalog.list_products(connection, conditions, is_vendor=vendor_id is not None, limit=PAGE)
        return time.perf_counter() - started


def _measure_feed(report: Report, harness: Harness, rounds: int) -> None:
    """Measure the time from the commit of a change until a reader has it, and the rows of the whole feed per second."""
    lags, rates = [], []
    with harness.connect() as connection:
        connection.autocommit = True
        for _ in range(rounds):
            position, count, started = product_feed.FeedPosition(), 0, time.perf_counter()
            while (page := product_feed.list_product_changes(connection, position, 500)).has_more:
                position, count = page.position, count + len(page.changes)
            rates.append(count / (time.perf_counter() - started))
            connection.execute("update products set price = price + 1 where vendor_product_id = 'PROD777'")
            started = time.perf_counter()
            while not product_feed.list_product_changes(connection, page.position, 500).changes:
                pass
            lags.append((time.perf_counter() - started) * 1e3)
    report.add(PART, "change feed, from the commit to the reader", "ms", lags)
    report.add(PART, "change feed, whole catalog", "products/s", rates)


def _measure_exports(report: Report, harness: Harness, count: int, rounds: int) -> None:
    writers: dict[str, Callable[..., CsvExport | WorkbookExport]] = {
        "CSV": lambda file: CsvExport(file, has_vendors=False),
        "workbook": lambda file: WorkbookExport(file, has_vendors=False, categories=["Kitchen"]),
    }
    for name, open_writer in writers.items():
        rates = []
        for _ in range(rounds):
            started = time.perf_counter()
            with harness.connect() as connection, TemporaryFile() as file:
                writer, written = open_writer(file), 0
                for product in _read_products(connection, BIG_VENDOR):
                    writer.write(product)
                    written += 1
                writer.close()
                file.seek(0, os.SEEK_END)
            if written != count:
                raise RuntimeError(f"{written} of {count} products were exported")
            rates.append(written / (time.perf_counter() - started))
        report.add(PART, f"export, {name}, {count:,} products", "rows/s", rates)


def _read_products(connection: Connection, vendor_id: str) -> Iterator[CatalogProduct]:
    after = None
    while True:
        with connection.transaction():
            connection.execute(query("restrict_to_vendor"), {"vendor_id": vendor_id})
            page = catalog.list_products(connection, ProductFilter(), is_vendor=True, after=after, limit=EXPORT_PAGE)
        yield from page
        if len(page) < EXPORT_PAGE:
            return
        after = (vendor_id, str(page[-1].values["vendor_product_id"]))


def _measure_cost(report: Report, harness: Harness, rows: int, rounds: int) -> None:
    """Measure the validator with and without the change feed, in turns."""
    content = files.csv_file(rows, "new")
    seconds: dict[str, list[float]] = {"disable": [], "enable": []}
    for _, state in itertools.product(range(rounds), seconds):
        harness.truncate()
        with harness.connect() as connection:
            connection.execute(f"alter table products {state} trigger products_insert_events")
        elapsed, _ = validation.validate_upload(harness, content, "COST", 100)
        seconds[state].append(elapsed)
    report.ratio(PART, "validator with / without the change feed", seconds["enable"], seconds["disable"], MAX_COST)
