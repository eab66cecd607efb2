-- A few products of each vendor, the first ones of its catalog.
select p.vendor_id, p.sku, p.product_name, p.category, p.price, p.stock_quantity
from vendors v
cross join lateral (
    select * from products where products.vendor_id = v.vendor_id order by product_id limit %(each)s
) p
order by p.vendor_id, p.product_id
