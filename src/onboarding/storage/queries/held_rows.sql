-- name: insert_held_rows
-- Insert valid rows of an all-or-nothing file.
insert into held_rows (
    upload_id, row_number, vendor_id, cells, original, decimal_comma, number_factors, many_categories
)
select upload_id, row_number, vendor_id, cells, original, decimal_comma, number_factors, many_categories
from jsonb_to_recordset(%(rows)s::jsonb) as held (
    upload_id text, row_number integer, vendor_id text, cells jsonb, original jsonb, decimal_comma text[],
    number_factors jsonb, many_categories boolean
)

-- name: list_held_rows
-- List the held rows of an upload.
select upload_id, vendor_id, row_number, cells, original, decimal_comma, number_factors, many_categories
from held_rows
where upload_id = %(upload_id)s
order by row_number

-- name: delete_held_rows
-- Delete the held rows of these uploads.
delete from held_rows where upload_id = any(%(uploads)s::text[])

-- name: purge_held_rows
-- Delete the held rows of uploads that were finished more than 15 days ago.
-- No batch of theirs can follow: the dead-letter queues keep a batch for 14 days.
delete from held_rows h
using upload_history u
where u.upload_id = h.upload_id and u.processing_completed_at < now() - interval '15 days'
