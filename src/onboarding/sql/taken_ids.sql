select p.vendor_id, p.vendor_product_id
from unnest(%(vendors)s::text[], %(ids)s::text[]) as wanted (vendor_id, vendor_product_id)
join products p on p.vendor_id = wanted.vendor_id and p.vendor_product_id = wanted.vendor_product_id
