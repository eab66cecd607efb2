-- A vendor's products by their vendor product ids, in the order of the CSV's columns; without those that this upload
-- created, so that its rows get the same answer however they are batched. Each with the columns that uploads after this
-- one have already set, and the latest of these uploads: mostly there are none to look for.
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
