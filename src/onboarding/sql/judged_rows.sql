-- The outcomes that rows of these stretches have already: one line for each product, one for each error. Rows of a
-- batch lie side by side, so a stretch from the first to the last of an upload costs one look into each index.
select p.upload_id, p.row_number, null as error_type, null as error_field, null as error_message
from unnest(%(uploads)s::text[], %(firsts)s::int[], %(lasts)s::int[]) as stretch (upload_id, first_row, last_row)
join products p on p.upload_id = stretch.upload_id and p.row_number between first_row and last_row
union all
(
    select e.upload_id, e.row_number, e.error_type, e.error_field, e.error_message
    from unnest(%(uploads)s::text[], %(firsts)s::int[], %(lasts)s::int[]) as stretch (upload_id, first_row, last_row)
    join validation_errors e on e.upload_id = stretch.upload_id and e.row_number between first_row and last_row
    order by e.error_id
)
