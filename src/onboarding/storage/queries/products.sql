-- name: list_taken_skus
-- List the SKUs among these that are in the catalog, each with its product if it belongs to one of these vendors.
-- Of products of other vendors, only the SKU is returned.
select
    sku,
    case when vendor_id = any(%(vendors)s::text[]) then vendor_id end as vendor_id,
    case when vendor_id = any(%(vendors)s::text[]) then vendor_product_id end as vendor_product_id
from products
where sku = any(array(select jsonb_array_elements_text(%(skus)s::jsonb)))

-- name: list_taken_product_ids
-- List the pairs of vendor and vendor product id among these that are in the catalog.
select p.vendor_id, p.vendor_product_id
from jsonb_array_elements(%(ids)s::jsonb) as requested
join products p on p.vendor_id = requested ->> 0 and p.vendor_product_id = requested ->> 1

-- name: list_released_skus
-- List the SKUs among these that products had before this upload changed them, with the products.
-- Such a SKU stays taken for the rest of the file, so that errors do not depend on the order of validation.
select released_sku, previous_values ->> 'vendor_product_id' as vendor_product_id
from product_changes
where upload_id = %(upload_id)s and released_sku = any(%(skus)s::text[])

-- name: insert_unchanged_products
-- Insert rows that leave their product unchanged, each with the columns that it sets.
insert into product_changes (upload_id, row_number, product_id, change_type, set_columns)
select %(upload_id)s, row_number, product_id, 'unchanged', set_columns
from jsonb_to_recordset(%(rows)s::jsonb) as unchanged (row_number integer, product_id bigint, set_columns text[])

-- name: count_products_by_vendor
-- Count the products of each vendor.
select vendor_id, v.vendor_name, count(p.product_id) as products
from vendors v
left join products p using (vendor_id)
group by vendor_id, v.vendor_name
order by vendor_id

-- name: list_sample_products
-- List the first `products_per_vendor` products of each vendor.
select p.vendor_id, p.sku, p.product_name, p.category, p.price, p.stock_quantity
from vendors v
cross join lateral (
    select * from products where products.vendor_id = v.vendor_id order by product_id limit %(products_per_vendor)s
) p
order by p.vendor_id, p.product_id

-- name: delete_created_products
-- Delete the products that an upload created and that have not been changed since.
delete from products
where upload_id = %(upload_id)s and updated_at = created_at

-- name: list_upload_changes
-- List a page of the rows of an upload that created products, changed them or left them unchanged, by row.
(
    select
        row_number, 'created' as change_type, product_id, vendor_product_id, product_name,
        null::jsonb as previous_values, null::jsonb as new_values, null::text[] as set_columns
    from products
    where upload_id = %(upload_id)s and row_number > %(after)s and 'created' = any(%(change_types)s::text[])
    order by row_number
    limit %(limit)s
)
union all
(
    select
        c.row_number, c.change_type, c.product_id,
        coalesce(p.vendor_product_id, c.previous_values ->> 'vendor_product_id'),
        coalesce(p.product_name, c.previous_values ->> 'product_name'), c.previous_values, c.new_values, c.set_columns
    from product_changes c
    left join products p on p.product_id = c.product_id
    where c.upload_id = %(upload_id)s and c.row_number > %(after)s and c.change_type = any(%(change_types)s::text[])
    order by c.row_number
    limit %(limit)s
)
order by row_number
limit %(limit)s
