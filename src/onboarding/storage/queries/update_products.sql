-- Change products of one upload's rows, and note what each was before. Each product is an array: row number, product id,
-- its `updated_at` as it was read, then its columns as they shall be, and last the names of those that the row sets. One
-- that somebody else changed in between does not come back.
with given as (
    select
        (g ->> 0)::integer as row_number, (g ->> 1)::integer as product_id, (g ->> 2)::timestamptz as read_at,
        array(select jsonb_array_elements_text(g -> -1)) as set_columns,
        g ->> 3 as product_name, g ->> 4 as category, g ->> 5 as subcategory, g ->> 6 as description, g ->> 7 as sku,
        g ->> 8 as brand, (g ->> 9)::numeric as price, (g ->> 10)::numeric as compare_at_price,
        (g ->> 11)::integer as stock_quantity, g ->> 12 as unit, (g ->> 13)::numeric as weight_kg,
        g ->> 14 as dimensions_cm, g ->> 15 as image_url
    from jsonb_array_elements(%(products)s::jsonb) as g
),
changed as (
    update products p
    set product_name = g.product_name, category = g.category, subcategory = g.subcategory,
        description = g.description, sku = g.sku, brand = g.brand, price = g.price,
        compare_at_price = g.compare_at_price, stock_quantity = g.stock_quantity, unit = g.unit,
        weight_kg = g.weight_kg, dimensions_cm = g.dimensions_cm, image_url = g.image_url,
        updated_at = clock_timestamp()
    from given g
    where p.product_id = g.product_id and p.updated_at = g.read_at
    returning
        g.row_number, g.set_columns, p.product_id, to_jsonb(old) as before, new.updated_at as changed_at,
        nullif(old.sku, new.sku) as released_sku
)
insert into product_changes (upload_id, row_number, product_id, kind, before, changed_at, released_sku, set_columns)
select %(upload_id)s, row_number, product_id, 'updated', before, changed_at, released_sku, set_columns
from changed
returning row_number
