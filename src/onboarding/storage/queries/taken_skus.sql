-- The SKUs that products have, and whose they are. Of other vendors' products nothing but the SKU comes back.
select
    sku,
    case when vendor_id = any(%(vendors)s::text[]) then vendor_id end,
    case when vendor_id = any(%(vendors)s::text[]) then vendor_product_id end
from products
where sku = any(array(select jsonb_array_elements_text(%(skus)s::jsonb)))
