-- What an upload changed is again what it was before, time of change included, so that the upload before it can be
-- undone too. Not so where something else changed it since, or where another product has taken its former SKU.
update products p
set product_name = b.product_name, category = b.category, subcategory = b.subcategory, description = b.description,
    sku = b.sku, brand = b.brand, price = b.price, compare_at_price = b.compare_at_price,
    stock_quantity = b.stock_quantity, unit = b.unit, weight_kg = b.weight_kg, dimensions_cm = b.dimensions_cm,
    image_url = b.image_url, updated_at = b.updated_at
from product_changes c, jsonb_populate_record(null::products, c.before) b
where c.upload_id = %(upload_id)s and c.kind = 'updated'
  and p.product_id = c.product_id and p.updated_at = c.changed_at
  and not exists (select from products other where other.sku = b.sku and other.product_id <> p.product_id)
