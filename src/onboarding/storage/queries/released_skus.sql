-- The SKUs among these that products had before this upload changed them, and which products. Which rows were judged
-- first must not decide whether another row of the file may have them.
select released_sku, before ->> 'vendor_product_id'
from product_changes
where upload_id = %(upload_id)s and released_sku = any(%(skus)s::text[])
