-- name: list_taken_skus
-- List which of these SKUs are in the catalog, with their products if they belong to these vendors.
-- About products of other vendors, only the SKU is returned.
select
    sku,
    case when vendor_id = any(%(vendors)s::text[]) then vendor_id end as vendor_id,
    case when vendor_id = any(%(vendors)s::text[]) then vendor_product_id end as vendor_product_id
from products
where sku = any(array(select jsonb_array_elements_text(%(skus)s::jsonb)))

-- name: list_taken_product_ids
-- List which of these pairs of vendor and vendor product id are in the catalog.
select p.vendor_id, p.vendor_product_id
from jsonb_array_elements(%(ids)s::jsonb) as requested
join products p on p.vendor_id = requested ->> 0 and p.vendor_product_id = requested ->> 1

-- name: list_own_products
-- List a vendor's products by their vendor product ids, columns in the order of the product schema.
-- Without the products that this upload created, so that its rows have the same outcome in any batching. Each with the
-- columns that later uploads have already set and the latest of these uploads; usually there are none.
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
                    -- As a filter it is looked up in one hash table for all products; as a condition, in one for each.
                    max(upload_id) filter (where upload_id in (select upload_id from later)) as upload_id
                from (
                    select p.upload_id, null as set_columns
                    union all
                    select c.upload_id, c.set_columns from product_changes c where c.product_id = p.product_id
                ) as writes
                group by set_columns
            ) as used
            cross join unnest(coalesce(used.set_columns, %(columns)s::text[])) as name
            where used.upload_id is not null
            group by name
        ) as latest
    ) end,
    vendor_product_id, product_name, category, subcategory, description, sku, brand,
    price, compare_at_price, stock_quantity, unit, weight_kg, dimensions_cm, image_url
from products p
where vendor_id = %(vendor_id)s and vendor_product_id = any(%(ids)s::text[])
  and upload_id is distinct from %(upload_id)s

-- name: list_released_skus
-- List which of these SKUs products had before this upload changed them, with those products.
-- The order of validation must not decide whether another row of the file may use such an SKU.
select released_sku, previous_values ->> 'vendor_product_id' as vendor_product_id
from product_changes
where upload_id = %(upload_id)s and released_sku = any(%(skus)s::text[])

-- name: insert_products
-- Insert products, each given as an array in the order of the columns: one parameter for a batch.
-- In order of sku, so that batches of different vendors with the same SKUs wait for each other without a deadlock; in
-- Python's order, which decides how a large batch is split into statements. A product that is not returned has an SKU
-- or a vendor product id that is taken.
insert into products (
    upload_id, row_number, vendor_id,
    vendor_product_id, product_name, category, subcategory, description, sku, brand,
    price, compare_at_price, stock_quantity, unit, weight_kg, dimensions_cm, image_url
)
select
    p ->> 0, (p ->> 1)::integer, p ->> 2,
    p ->> 3, p ->> 4, p ->> 5, p ->> 6, p ->> 7, p ->> 8, p ->> 9,
    (p ->> 10)::numeric, (p ->> 11)::numeric, (p ->> 12)::integer, coalesce(p ->> 13, 'piece'),
    (p ->> 14)::numeric, p ->> 15, p ->> 16
from jsonb_array_elements(%(products)s::jsonb) as p
order by (p ->> 8) collate "C"
on conflict do nothing
returning upload_id, row_number

-- name: update_products
-- Update the products of rows of one upload, and insert what each was before into `product_changes`.
-- Each product is an array: row number, product id, its `updated_at` when it was read, the new columns, and the names
-- of the columns that the row sets. A product that another session changed in between is not returned.
with changes as (
    select
        (g ->> 0)::integer as row_number, (g ->> 1)::bigint as product_id, (g ->> 2)::timestamptz as read_at,
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
    from changes g
    where p.product_id = g.product_id and p.updated_at = g.read_at
    returning
        g.row_number, g.set_columns, p.product_id, to_jsonb(old) as previous_values, new.updated_at as changed_at,
        nullif(old.sku, new.sku) as released_sku
)
insert into product_changes (
    upload_id, row_number, product_id, change_type, previous_values, changed_at, released_sku, set_columns
)
select %(upload_id)s, row_number, product_id, 'updated', previous_values, changed_at, released_sku, set_columns
from changed
returning row_number

-- name: insert_unchanged_products
-- Insert rows that leave their product unchanged, each with the columns that it sets.
insert into product_changes (upload_id, row_number, product_id, change_type, set_columns)
select %(upload_id)s, row_number, product_id, 'unchanged', set_columns
from jsonb_to_recordset(%(rows)s::jsonb) as unchanged (row_number integer, product_id bigint, set_columns text[])

-- name: list_upload_products
-- List a page of the products that an upload created, by row.
select
    row_number, vendor_product_id, product_name, category, subcategory, description, sku, brand, price,
    compare_at_price, stock_quantity, unit, weight_kg, dimensions_cm, image_url, updated_at
from products
where upload_id = %(upload_id)s and row_number > %(after)s
order by row_number
limit %(limit)s

-- name: count_products_by_vendor
-- Count the products of each vendor.
select vendor_id, v.vendor_name, count(p.product_id) as products
from vendors v
left join products p using (vendor_id)
group by vendor_id, v.vendor_name
order by vendor_id

-- name: list_sample_products
-- List the first products of each vendor.
select p.vendor_id, p.sku, p.product_name, p.category, p.price, p.stock_quantity
from vendors v
cross join lateral (
    select * from products where products.vendor_id = v.vendor_id order by product_id limit %(each)s
) p
order by p.vendor_id, p.product_id

-- name: delete_created_products
-- Delete the products that an upload created, except for those that were changed since.
delete from products
where upload_id = %(upload_id)s and updated_at = created_at

-- name: restore_updated_products
-- Restore the products that an upload changed, time of change included, so that the upload before it can be undone too.
-- Except for products that were changed since, and for those whose former SKU another product has.
update products p
set product_name = b.product_name, category = b.category, subcategory = b.subcategory, description = b.description,
    sku = b.sku, brand = b.brand, price = b.price, compare_at_price = b.compare_at_price,
    stock_quantity = b.stock_quantity, unit = b.unit, weight_kg = b.weight_kg, dimensions_cm = b.dimensions_cm,
    image_url = b.image_url, updated_at = b.updated_at
from product_changes c, jsonb_populate_record(null::products, c.previous_values) b
where c.upload_id = %(upload_id)s and c.change_type = 'updated'
  and p.product_id = c.product_id and p.updated_at = c.changed_at
  and not exists (select from products other where other.sku = b.sku and other.product_id <> p.product_id)
