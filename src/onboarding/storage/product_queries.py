"""The queries that name product columns, composed from the product schema when this module is imported.

Rows are passed as one JSON array of arrays, whose positions are generated together with the query. Measured with
PostgreSQL 18, objects with the columns' names take 10 to 20 % longer to insert, an array for each column 45 %.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import LiteralString

from psycopg import sql

from onboarding.domain.product_schema import CHANGEABLE, COLUMNS, DEFAULTS, PRODUCT_SCHEMA


def _query(text: LiteralString, **parts: sql.Composable) -> LiteralString:
    """Return a query as text, which costs nothing more to execute."""
    return sql.SQL(text).format(**parts).as_string()


def _columns(names: Iterable[str], table: str | None = None) -> sql.Composed:
    """The columns' names, of a table if one is given, with commas between them."""
    return sql.SQL(", ").join(sql.Identifier(*filter(None, (table, name))) for name in names)


def _fields(types: Mapping[str, LiteralString]) -> sql.Composed:
    """The elements of the JSON array `item` as columns: each by its position in `types`, with the schema's default."""
    fields = []
    for place, (name, sql_type) in enumerate(types.items()):
        field = sql.SQL("(item ->> {})::{}").format(sql.Literal(place), sql.SQL(sql_type))
        if name in DEFAULTS:
            field = sql.SQL("coalesce({}, {})").format(field, sql.Literal(DEFAULTS[name]))
        fields.append(sql.SQL("{} as {}").format(field, sql.Identifier(name)))
    return sql.SQL(", ").join(fields)


def _types(names: Iterable[str]) -> Mapping[str, LiteralString]:
    return {name: PRODUCT_SCHEMA[name].sql_type for name in names}


_INSERTED = {"upload_id": "text", "row_number": "integer", "vendor_id": "text", **_types(COLUMNS)}

# In order of sku, so that batches of different vendors that share SKUs wait for each other without a deadlock; in
# Python's order, which divides a large batch into statements. A row that does not come back met a SKU or a vendor
# product id that is taken.
INSERT_PRODUCTS = _query(
    """
insert into products ({columns})
select {columns}
from (select {fields} from jsonb_array_elements(%(products)s::jsonb) as item) as product
order by sku collate "C"
on conflict do nothing
returning upload_id, row_number
""",
    columns=_columns(_INSERTED),
    fields=_fields(_INSERTED),
)

_UPDATED = {"row_number": "integer", "product_id": "bigint", "read_at": "timestamptz", **_types(CHANGEABLE)}

# Change products of one upload's rows, and record what each was before. The last element of each array are the names of
# the columns that the row sets. A product that was changed since it was read, at `read_at`, does not come back.
UPDATE_PRODUCTS = _query(
    """
with given as (
    select {fields}, array(select jsonb_array_elements_text(item -> -1)) as set_columns
    from jsonb_array_elements(%(products)s::jsonb) as item
),
changed as (
    update products p
    set ({columns}, updated_at) = row({values}, clock_timestamp())
    from given g
    where p.product_id = g.product_id and p.updated_at = g.read_at
    returning
        g.row_number, g.set_columns, p.product_id, to_jsonb(old) as previous_values, new.updated_at as changed_at,
        nullif(old.sku, new.sku) as released_sku
)
insert into product_changes (upload_id, row_number, product_id, change_type, previous_values, changed_at, released_sku, set_columns)
select %(upload_id)s, row_number, product_id, 'updated', previous_values, changed_at, released_sku, set_columns
from changed
returning row_number
""",
    columns=_columns(CHANGEABLE),
    values=_columns(CHANGEABLE, "g"),
    fields=_fields(_UPDATED),
)

# A vendor's products by their vendor product ids, without those that this upload created, so that its rows get the same
# result however they are batched. Each with the columns that later uploads have already set, and the latest of these
# uploads: mostly there are none.
SELECT_OWN_PRODUCTS = _query(
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
                    -- A filter uses one hash table for all products; a condition would build one for each.
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
    ) end,
    {columns}
from products p
where vendor_id = %(vendor_id)s and vendor_product_id = any(%(ids)s::text[])
  and upload_id is distinct from %(upload_id)s
""",
    changeable=sql.Literal(list(CHANGEABLE)),
    columns=_columns(COLUMNS),
)

# Give the products that an upload changed their former values, time of change included, so that the upload before it
# can be undone too. A product stays as it is if it was changed since, or if another product has taken its former SKU.
RESTORE_PRODUCTS = _query(
    """
update products p
set ({columns}, updated_at) = row({values}, b.updated_at)
from product_changes c, jsonb_populate_record(null::products, c.previous_values) b
where c.upload_id = %(upload_id)s and c.change_type = 'updated'
  and p.product_id = c.product_id and p.updated_at = c.changed_at
  and not exists (select from products other where other.sku = b.sku and other.product_id <> p.product_id)
""",
    columns=_columns(CHANGEABLE),
    values=_columns(CHANGEABLE, "b"),
)

# A page of the products that an upload put into the catalog, by row.
SELECT_UPLOAD_PRODUCTS = _query(
    """
select row_number, {columns}, updated_at
from products
where upload_id = %(upload_id)s and row_number > %(after)s
order by row_number
limit %(limit)s
""",
    columns=_columns(COLUMNS),
)
