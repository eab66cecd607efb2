select sku
from products
where sku = any(%(skus)s::text[])
