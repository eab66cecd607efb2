"""The validator's time for each row with 0, 10,000 and a million products, in three databases in turns."""

from __future__ import annotations

from collections import deque

from bench import files, validation
from bench.harness import Harness, start_harness
from bench.measure import Report

PART = "catalog growth"
MAX_RATIO = 1.3
SIZE = 100
MILLION = 1_000_000
TABLES = ("validation_errors", "products", "upload_history")

# Products of a hundred other vendors in random order, with SKUs and IDs like those of the files.
FILL = """
insert into products (
    upload_id, row_number, vendor_id,
    vendor_product_id, product_name, category, subcategory, description, sku, brand,
    price, stock_quantity, unit, weight_kg, dimensions_cm, image_url
)
select 'FILL' || n %% 100, n, 'FILL' || n %% 100,
    'PROD' || n, 'Wireless Mouse - Model ' || n, 'Computer Accessories', 'Mice & Keyboards',
    repeat('Ergonomic wireless mouse ', 3), 'CA-VEND' || lpad((n %% 100)::text, 3, '0') || '-fill-' || n, 'TechGear',
    19.99, 150, 'piece', 0.25, '12x8x4', 'https://images.example.com/mouse-' || n || '.jpg'
from (select n from generate_series(1, %(count)s) as n order by hashint4(n)) as numbers
"""


def measure(report: Report, *, quick: bool) -> None:
    rounds, some, million, rows = (1, 500, 5_000, 100) if quick else (5, 10_000, MILLION, 1_000)
    with start_harness() as harness:
        catalogs = {count: harness.create_database(f"catalog_{count}") for count in (0, some, million)}
        for count, catalog in catalogs.items():
            fill(catalog, count)
            _validate(catalog, rows, "warm")
        seconds: dict[int, list[float]] = {count: [] for count in catalogs}
        for number in range(rounds):
            # Each database has the first turn once, so that slow changes affect all of them alike.
            turns = deque(catalogs.items())
            turns.rotate(number)
            for count, catalog in turns:
                seconds[count].append(_validate(catalog, rows, f"g{number}"))
        for catalog in catalogs.values():
            catalog.database.close()
    report.add(PART, f"{rows:,} rows, empty catalog", "us/row", seconds[0])
    report.add(PART, f"{rows:,} rows, {some:,} products", "us/row", seconds[some])
    report.add(PART, f"{rows:,} rows, {million:,} products", "us/row", seconds[million])
    report.ratio(PART, f"{some:,} products / empty", seconds[some], seconds[0])
    report.ratio(PART, f"{million:,} products / empty", seconds[million], seconds[0], MAX_RATIO)


def _validate(catalog: Harness, rows: int, run: str) -> float:
    """Return the microseconds for each row of an upload, and remove the upload."""
    catalog.activate()
    upload_id = f"UPLOAD-{run}"
    elapsed, _ = validation.validate_upload(catalog, files.csv_file(rows, run), upload_id, SIZE)
    with catalog.connect() as connection:
        for table in TABLES:
            connection.execute(f"delete from {table} where upload_id = %s", (upload_id,))  # noqa: S608 - constants
            connection.execute(f"vacuum {table}")
    return elapsed * 1e6 / rows


def fill(harness: Harness, count: int) -> None:
    """Insert `count` products of other vendors."""
    with harness.connect() as connection:
        connection.execute("set statement_timeout = 0")
        connection.execute(
            "insert into vendors (vendor_id, vendor_name, email) "
            "select 'FILL' || n, 'Vendor ' || n, 'fill' || n || '@vendors.example' from generate_series(0, 99) as n "
            "on conflict do nothing"
        )
        connection.execute(FILL, {"count": count})
        # The state in which autovacuum leaves a catalog that grew over weeks.
        connection.execute("vacuum analyze products")
