insert into product_changes (upload_id, row_number, product_id, kind)
select %(upload_id)s, row_number, product_id, 'unchanged'
from unnest(%(rows)s::int[], %(products)s::int[]) as seen (row_number, product_id)
