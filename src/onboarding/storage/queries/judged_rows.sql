-- The outcomes that rows of these stretches have already: one line for each product, change of a product and held row,
-- one for each error. Rows of a batch lie side by side, so a stretch from the first to the last of an upload costs one
-- look into each index.
with stretch as materialized (
    select *
    from unnest(%(uploads)s::text[], %(firsts)s::int[], %(lasts)s::int[]) as given (upload_id, first_row, last_row)
)
select p.upload_id, p.row_number, null as error_type, null as error_field, null as error_message,
    null as rejected_value, null as expected, null as hint
from stretch
join products p on p.upload_id = stretch.upload_id and p.row_number between first_row and last_row
union all
select c.upload_id, c.row_number, null, null, null, null, null, null
from stretch
join product_changes c on c.upload_id = stretch.upload_id and c.row_number between first_row and last_row
union all
select h.upload_id, h.row_number, null, null, null, null, null, null
from stretch
join held_rows h on h.upload_id = stretch.upload_id and h.row_number between first_row and last_row
union all
(
    select e.upload_id, e.row_number, e.error_type, e.error_field, e.error_message, e.rejected_value, e.expected, e.hint
    from stretch
    join validation_errors e on e.upload_id = stretch.upload_id and e.row_number between first_row and last_row
    order by e.error_id
)
