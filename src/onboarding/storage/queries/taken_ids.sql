select p.vendor_id, p.vendor_product_id
from jsonb_array_elements(%(ids)s::jsonb) as wanted
join products p on p.vendor_id = wanted ->> 0 and p.vendor_product_id = wanted ->> 1
