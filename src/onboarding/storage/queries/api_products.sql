-- A page of the products that an upload put into the catalog, by row.
select
    row_number, vendor_product_id, product_name, category, subcategory, description, sku, brand, price,
    compare_at_price, stock_quantity, unit, weight_kg, dimensions_cm, image_url, updated_at
from products
where upload_id = %(upload_id)s and row_number > %(after)s
order by row_number
limit %(limit)s
