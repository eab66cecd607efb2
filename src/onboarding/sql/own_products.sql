-- A vendor's products by their vendor product ids, in the order of the CSV's columns; without those that this upload
-- created, so that its rows get the same answer however they are batched. Each with the latest of the uploads after this
-- one that has already created, changed or confirmed it, if there is any: mostly there are none to look for.
with later as materialized (
    select u.upload_id
    from upload_history u
    where u.vendor_id = %(vendor_id)s and u.undone_at is null
      and u.upload_timestamp > (select upload_timestamp from upload_history where upload_id = %(upload_id)s)
)
select
    product_id, updated_at,
    case when exists (select from later) then (
        select max(used.upload_id) filter (where used.upload_id in (select upload_id from later))
        from (
            select p.upload_id
            union all
            select c.upload_id from product_changes c where c.product_id = p.product_id
        ) as used
    ) end,
    vendor_product_id, product_name, category, subcategory, description, sku, brand,
    price, compare_at_price, stock_quantity, unit, weight_kg, dimensions_cm, image_url
from products p
where vendor_id = %(vendor_id)s and vendor_product_id = any(%(ids)s::text[])
  and upload_id is distinct from %(upload_id)s
