"""The validator's time per row as the catalog grows: nearly empty, 10,000 products, a million."""

from __future__ import annotations

from bench import data, judging
from bench.measure import Report
from bench.stand import Stand, stand

PART = "growth"
MOST = 1.3
SIZE = 100
MILLION = 1_000_000

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
    rounds, million, rows = (1, 5_000, 100) if quick else (5, MILLION, 1_000)
    with stand() as here:
        empty = [_judge(here, rows, f"e{number}", alone=True) for number in range(rounds)]
        some = [_judge(here, rows, f"s{number}", before=0 if quick else 9_000) for number in range(rounds)]
        here.empty()
        fill(here, million)
        full = [_judge(here, rows, f"m{number}") for number in range(rounds)]
    report.add(PART, f"{rows:,} rows, empty catalog", "us/row", empty)
    if not quick:
        report.add(PART, f"{rows:,} rows, 9,000 products there", "us/row", some)
        report.ratio(PART, "9,000 products there / empty", some, empty)
    report.add(PART, f"{rows:,} rows, {million:,} products there", "us/row", full)
    report.ratio(PART, f"{million:,} products there / empty", full, empty, MOST)


def _judge(here: Stand, rows: int, run: str, *, alone: bool = False, before: int = 0) -> float:
    if alone or before:
        here.empty()
    if before:
        judging.judge_upload(here, data.csv_file(before, f"b{run}"), f"BEFORE-{run}", 1_000)
    wall, _ = judging.judge_upload(here, data.csv_file(rows, run), f"UPLOAD-{run}", SIZE)
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
