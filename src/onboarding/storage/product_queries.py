"""Queries that name product columns, composed from the product schema at import.

Rows are passed as one JSON array of arrays, whose positions are generated together with the query. With PostgreSQL 18,
inserts from objects with column names take 10 to 20 % longer, and from one array per column 45 % longer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import LiteralString

from psycopg import sql

from onboarding.domain.product_schema import CHANGEABLE, COLUMNS, DEFAULTS, PRODUCT_SCHEMA


def _compose_query(text: LiteralString, **parts: sql.Composable) -> LiteralString:
    """Return a query as text: composing it once costs nothing at execution."""
    return sql.SQL(text).format(**parts).as_string()


def _compose_columns(names: Iterable[str], table: str | None = None) -> sql.Composed:
    """Return a list of columns, qualified by the table if there is one."""
    return sql.SQL(", ").join(sql.Identifier(*filter(None, (table, name))) for name in names)


def _compose_fields(types: Mapping[str, LiteralString]) -> sql.Composed:
    """Return the elements of the JSON array `item` as columns, in the order of `types`, with the schema's defaults."""
    fields = []
    for position, (name, sql_type) in enumerate(types.items()):
        field = sql.SQL("(item ->> {})::{}").format(sql.Literal(position), sql.SQL(sql_type))
        if name in DEFAULTS:
            field = sql.SQL("coalesce({}, {})").format(field, sql.Literal(DEFAULTS[name]))
        fields.append(sql.SQL("{} as {}").format(field, sql.Identifier(name)))
    return sql.SQL(", ").join(fields)


def _get_sql_types(names: Iterable[str]) -> Mapping[str, LiteralString]:
    return {name: PRODUCT_SCHEMA[name].sql_type for name in names}


_INSERT_TYPES = {"upload_id": "text", "row_number": "integer", "vendor_id": "text", **_get_sql_types(COLUMNS)}

# Insert products and return their rows; those whose SKU or vendor product id is taken are left out. The order of SKUs
# prevents a deadlock between batches of different vendors that share SKUs. It is the order of Python, since Python
# divides a large batch into statements.
INSERT_PRODUCTS = _compose_query(
    """
insert into products ({columns})
select {columns}
from (select {fields} from jsonb_array_elements(%(products)s::jsonb) as item) as product
order by sku collate "C"
on conflict do nothing
returning upload_id, row_number
""",
    columns=_compose_columns(_INSERT_TYPES),
    fields=_compose_fields(_INSERT_TYPES),
)

_UPDATE_TYPES = {
    "row_number": "integer",
    "product_id": "bigint",
    "read_at": "timestamptz",
    **_get_sql_types(CHANGEABLE),
}

# Update the products of one upload's rows, record their previous and new values, and return the rows. The last elements
# of each array are the changed columns with their new values, and the list of columns that the row sets. `read_at` is
# the product's `updated_at` when it was read: a product that was changed since is left out.
UPDATE_PRODUCTS = _compose_query(
    """
with requested as (
    select {fields}, item -> -2 as new_values, array(select jsonb_array_elements_text(item -> -1)) as set_columns
    from jsonb_array_elements(%(products)s::jsonb) as item
),
changed as (
    update products p
    set ({columns}, updated_at) = row({values}, clock_timestamp())
    from requested r
    where p.product_id = r.product_id and p.updated_at = r.read_at
    returning
        r.row_number, r.set_columns, r.new_values, p.product_id, to_jsonb(old) as previous_values,
        new.updated_at as changed_at, nullif(old.sku, new.sku) as released_sku
)
insert into product_changes (
    upload_id, row_number, product_id, change_type, previous_values, new_values, changed_at, released_sku, set_columns
)
select
    %(upload_id)s, row_number, product_id, 'updated', previous_values, new_values, changed_at, released_sku, set_columns
from changed
returning row_number
""",
    columns=_compose_columns(CHANGEABLE),
    values=_compose_columns(CHANGEABLE, "r"),
    fields=_compose_fields(_UPDATE_TYPES),
)

# Select a vendor's products by vendor product id. Products that this upload created are left out, so that the errors of
# its rows do not depend on its batches. `later_uploads` maps each column that later uploads have already set to the
# latest of these uploads; usually it is null.
SELECT_OWN_PRODUCTS = _compose_query(
    """
with later as materialized (
    select u.upload_id
    from upload_history u
    where u.vendor_id = %(vendor_id)s and u.undone_at is null
      and u.upload_timestamp > (select upload_timestamp from upload_history where upload_id = %(upload_id)s)
)
select
    product_id, updated_at,
    case when exists (select from later) then (
        select jsonb_object_agg(latest.name, latest.upload_id)
        from (
            select name, max(used.upload_id) as upload_id
            from (
                select
                    set_columns,
                    -- A filter uses one hash table for all products; a condition would build one for each product.
                    max(upload_id) filter (where upload_id in (select upload_id from later)) as upload_id
                from (
                    select p.upload_id, null as set_columns
                    union all
                    select c.upload_id, c.set_columns from product_changes c where c.product_id = p.product_id
                ) as writes
                group by set_columns
            ) as used
            cross join unnest(coalesce(used.set_columns, {changeable})) as name
            where used.upload_id is not null
            group by name
        ) as latest
    ) end as later_uploads,
    {columns}
from products p
where vendor_id = %(vendor_id)s and vendor_product_id = any(%(ids)s::text[])
  and upload_id is distinct from %(upload_id)s
""",
    changeable=sql.Literal(list(CHANGEABLE)),
    columns=_compose_columns(COLUMNS),
)

# Restore the former values of the products that an upload changed, including `updated_at`, so that the upload before it
# can be undone too. A product is skipped if it was changed since, or if another product has its former SKU now.
RESTORE_PRODUCTS = _compose_query(
    """
update products p
set ({columns}, updated_at) = row({values}, previous.updated_at)
from product_changes c, jsonb_populate_record(null::products, c.previous_values) previous
where c.upload_id = %(upload_id)s and c.change_type = 'updated'
  and p.product_id = c.product_id and p.updated_at = c.changed_at
  and not exists (select from products other where other.sku = previous.sku and other.product_id <> p.product_id)
""",
    columns=_compose_columns(CHANGEABLE),
    values=_compose_columns(CHANGEABLE, "previous"),
)

# Select a page of the products that an upload created, by row.
SELECT_UPLOAD_PRODUCTS = _compose_query(
    """
select row_number, {columns}, updated_at
from products
where upload_id = %(upload_id)s and row_number > %(after)s
order by row_number
limit %(limit)s
""",
    columns=_compose_columns(COLUMNS),
)

_CATALOG_PRODUCTS = """
select
    p.product_id, p.vendor_id, v.vendor_name, p.upload_id, p.row_number, p.created_at, p.updated_at,
    b.reason as block_reason, {columns}
from products p
join vendors v on v.vendor_id = p.vendor_id
left join product_blocks b on b.product_id = p.product_id and b.ended_at is null
"""

# Select the products with these ids, in the order of vendors and their ids.
SELECT_PRODUCTS = _compose_query(
    _CATALOG_PRODUCTS + "where p.product_id = any(%(product_ids)s) order by p.vendor_id, p.vendor_product_id",
    columns=_compose_columns(COLUMNS, "p"),
)

# Select a page of the products that match conditions, in the same order.
FIND_PRODUCTS = _compose_query(
    _CATALOG_PRODUCTS
    + """
where p.product_id = any(array(select find_products(
    %(vendor_id)s::text, to_tsquery('simple', %(words)s), %(category)s::text, %(status)s::text, %(upload_id)s::text,
    %(after_vendor)s::text, %(after_product)s::text, %(limit)s
)))
order by p.vendor_id, p.vendor_product_id
""",
    columns=_compose_columns(COLUMNS, "p"),
)

# The same for the vendor of the transaction.
FIND_OWN_PRODUCTS = _compose_query(
    _CATALOG_PRODUCTS
    + """
where p.product_id = any(array(select find_own_products(
    to_tsquery('simple', %(words)s), %(category)s::text, %(status)s::text, %(upload_id)s::text,
    %(after_product)s::text, %(limit)s
)))
order by p.vendor_id, p.vendor_product_id
""",
    columns=_compose_columns(COLUMNS, "p"),
)
