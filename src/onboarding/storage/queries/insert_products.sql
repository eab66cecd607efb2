-- Each product is an array in the order of the columns: one parameter for a whole batch. In order of sku, so that
-- batches of different vendors that share SKUs wait for each other and never in a circle; in Python's order, which
-- decides what goes into which statement of a large batch. What does not come back met a SKU or a vendor product id
-- that is taken.
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
