"""SQL floor: one COPY and one statement for a batch of rows, in the same database as the validator.

The statement applies the seven rules, inserts valid rows into `products` and errors into `validation_errors`, and
updates the counts: the same tables, constraints and indexes, one transaction for each batch. It omits the validator's
other work (Python between stream and database, redelivered rows, several uploads and modes in a batch, hints). It is
not the least that PostgreSQL can spend: it looks up every SKU and ID before it inserts, which the validator leaves to
the insert.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from onboarding.domain.models import Row
from onboarding.domain.product_schema import COLUMNS
from onboarding.storage.database import Connection

CREATE_INBOX = f"""
create temp table bench_rows (
    row_number integer, {", ".join(f"{column} text" for column in COLUMNS)}, same_sku integer, same_id integer
) on commit delete rows
"""

VALIDATE = """
with validated as materialized (
    select r.*,
        array_remove(array[
            case when num_nulls(r.vendor_product_id, r.product_name, r.category, r.sku, r.price, r.stock_quantity) > 0
                then 'MISSING_REQUIRED_FIELDS' end,
            case when r.price !~ '^-?[0-9]{1,9}(\\.[0-9]{1,2})?$'
                or not (case when r.price ~ '^-?[0-9]{1,9}(\\.[0-9]{1,2})?$' then r.price::numeric end
                    between 0.01 and 999999.99)
                then 'INVALID_PRICE' end,
            case when r.stock_quantity !~ '^-?[0-9]{1,9}$'
                or not (case when r.stock_quantity ~ '^-?[0-9]{1,9}$' then r.stock_quantity::integer end
                    between 0 and 1000000)
                then 'INVALID_STOCK_QUANTITY' end,
            case when length(r.vendor_product_id) > 100 or length(r.product_name) > 200 or length(r.category) > 100
                or length(r.subcategory) > 100 or length(r.description) > 2000 or length(r.sku) > 100
                or length(r.brand) > 100 or length(r.unit) > 20 or length(r.dimensions_cm) > 50
                then 'FIELD_LENGTH_EXCEEDED' end,
            case when r.category is not null and c.category_name is null then 'INVALID_CATEGORY' end,
            case when r.same_sku is not null or s.sku is not null then 'DUPLICATE_SKU' end,
            case when r.same_id is not null or i.vendor_product_id is not null then 'DUPLICATE_VENDOR_PRODUCT_ID' end
        ], null) as errors
    from bench_rows r
    left join product_categories c on c.category_name = r.category and c.is_active
    left join products s on s.sku = r.sku
    left join products i on i.vendor_id = %(vendor_id)s and i.vendor_product_id = r.vendor_product_id
),
accepted as (
    insert into products (
        upload_id, row_number, vendor_id,
        vendor_product_id, product_name, category, subcategory, description, sku, brand,
        price, compare_at_price, stock_quantity, unit, weight_kg, dimensions_cm, image_url
    )
    select %(upload_id)s, row_number, %(vendor_id)s,
        vendor_product_id, product_name, category, subcategory, description, sku, brand,
        price::numeric, compare_at_price::numeric, stock_quantity::integer, coalesce(unit, 'piece'),
        weight_kg::numeric, dimensions_cm, image_url
    from validated
    where errors = '{}'
    order by sku
    on conflict do nothing
    returning row_number
),
rejected as (
    insert into validation_errors (
        upload_id, vendor_id, row_number, vendor_product_id, error_type, error_field, error_message, original_data
    )
    select %(upload_id)s, %(vendor_id)s, j.row_number, j.vendor_product_id, error_type, error_type,
        'Row ' || j.row_number || ': ' || error_type, to_jsonb(j)
    from validated j
    cross join unnest(case when j.errors = '{}' then array['DUPLICATE_SKU'] else j.errors end) as error_type
    left join accepted e using (row_number)
    where e.row_number is null
    returning row_number
),
counted as (
    select (select count(*) from accepted) as valid, (select count(distinct row_number) from rejected) as error
)
update upload_history u
set valid_records = valid_records + valid, created_records = created_records + valid,
    error_records = error_records + error, last_progress_at = now(),
    status = case when u.valid_records + valid + u.error_records + error = u.total_records then 'partial'
        else 'processing' end,
    processing_completed_at = case when u.valid_records + valid + u.error_records + error = u.total_records
        then now() end
from counted
where u.upload_id = %(upload_id)s
"""


def to_copy_texts(rows: Sequence[Row], size: int) -> list[str]:
    """Return the rows as texts for COPY, one for each batch. This is not part of the floor's time."""
    return [_copy_text(rows[start : start + size]) for start in range(0, len(rows), size)]


def _copy_text(rows: Sequence[Row]) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    for row in rows:
        duplicates = (row.duplicate_of.get("sku"), row.duplicate_of.get("vendor_product_id"))
        writer.writerow([row.row_number, *(row.cells.get(column) for column in COLUMNS), *duplicates])
    return text.getvalue()


def run_floor(connection: Connection, batches: Sequence[str], upload_id: str, vendor_id: str) -> None:
    """Validate and insert an upload, one transaction for each batch."""
    # The pipeline's connections plan every statement, which is slower.
    connection.execute("set plan_cache_mode = auto")
    for text in batches:
        with connection.transaction():
            with connection.cursor().copy("copy bench_rows from stdin with (format csv)") as copy:
                copy.write(text)
            connection.execute(VALIDATE, {"upload_id": upload_id, "vendor_id": vendor_id})
