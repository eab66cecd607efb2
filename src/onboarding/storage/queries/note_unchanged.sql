-- Each row is an array: row number, product id, the names of the columns that the row sets.
insert into product_changes (upload_id, row_number, product_id, kind, set_columns)
select
    %(upload_id)s, (r ->> 0)::integer, (r ->> 1)::integer, 'unchanged', array(select jsonb_array_elements_text(r -> 2))
from jsonb_array_elements(%(rows)s::jsonb) as r
