-- How many products each vendor has in the catalog.
select vendor_id, v.vendor_name, count(p.product_id)
from vendors v
left join products p using (vendor_id)
group by vendor_id, v.vendor_name
order by vendor_id
