"""The validator's time per row as the catalog grows: empty, 10,000 products, a million, in three databases by turns."""

from __future__ import annotations

from collections import deque

from bench import data, judging
from bench.measure import Report
from bench.stand import Stand, stand

PART = "growth"
MOST = 1.3
SIZE = 100
MILLION = 1_000_000
TABLES = ("validation_errors", "products", "upload_history")

# Products of a hundred other vendors, in no order, with SKUs and ids of the shape that the files have.
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
    with stand() as here:
        catalogs = {count: here.beside(f"catalog_{count}") for count in (0, some, million)}
        for count, catalog in catalogs.items():
            fill(catalog, count)
            _judge(catalog, rows, "warm")
        took: dict[int, list[float]] = {count: [] for count in catalogs}
        for number in range(rounds):
            # In turns, and each has the first one: what changes over the minutes changes for all.
            turns = deque(catalogs.items())
            turns.rotate(number)
            for count, catalog in turns:
                took[count].append(_judge(catalog, rows, f"g{number}"))
        for catalog in catalogs.values():
            catalog.database.close()
    report.add(PART, f"{rows:,} rows, empty catalog", "us/row", took[0])
    report.add(PART, f"{rows:,} rows, {some:,} products there", "us/row", took[some])
    report.add(PART, f"{rows:,} rows, {million:,} products there", "us/row", took[million])
    report.ratio(PART, f"{some:,} products there / empty", took[some], took[0])
    report.ratio(PART, f"{million:,} products there / empty", took[million], took[0], MOST)


def _judge(catalog: Stand, rows: int, run: str) -> float:
    """Microseconds for each row of an upload, after which the catalog is as it was before."""
    catalog.take_over()
    upload_id = f"UPLOAD-{run}"
    wall, _ = judging.judge_upload(catalog, data.csv_file(rows, run), upload_id, SIZE)
    with catalog.connect() as connection:
        for table in TABLES:
            connection.execute(f"delete from {table} where upload_id = %s", (upload_id,))  # noqa: S608 - three of ours
            connection.execute(f"vacuum {table}")
    return wall * 1e6 / rows


def fill(here: Stand, count: int) -> None:
    """Put so many products of others into the catalog."""
    with here.connect() as connection:
        connection.execute("set statement_timeout = 0")
        connection.execute(
            "insert into vendors (vendor_id, vendor_name, email) "
            "select 'FILL' || n, 'Vendor ' || n, 'fill' || n || '@vendors.example' from generate_series(0, 99) as n "
            "on conflict do nothing"
        )
        connection.execute(FILL, {"count": count})
        # As autovacuum leaves a catalog that grew over weeks.
        connection.execute("vacuum analyze products")
