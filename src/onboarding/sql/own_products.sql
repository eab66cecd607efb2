-- A vendor's products by their vendor product ids, in the order of the CSV's columns; without those that this upload
-- created, so that its rows get the same answer however they are batched.
select
    product_id, updated_at,
    vendor_product_id, product_name, category, subcategory, description, sku, brand,
    price, compare_at_price, stock_quantity, unit, weight_kg, dimensions_cm, image_url
from products
where vendor_id = %(vendor_id)s and vendor_product_id = any(%(ids)s::text[])
  and upload_id is distinct from %(upload_id)s
