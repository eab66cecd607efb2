-- name: get_file_details
-- Return the file details of an upload.
select file_details from upload_history where upload_id = %(upload_id)s

-- name: list_file_details
-- Return the file details of several uploads.
select upload_id, file_details from upload_history where upload_id = any(%(upload_ids)s)

-- name: set_file_details
-- Set the file details of an upload, unless they are set already.
update upload_history
set file_details = %(file_details)s::jsonb
where upload_id = %(upload_id)s and file_details is null

-- name: insert_warnings
-- Insert the warnings about a file. Warnings that exist already are unchanged.
insert into upload_warnings (upload_id, number, code, message, row_number, column_name)
select %(upload_id)s, number, code, message, row_number, column_name
from jsonb_to_recordset(%(warnings)s::jsonb) as warning (
    number integer, code text, message text, row_number integer, column_name text
)
on conflict do nothing

-- name: list_warnings
-- List the warnings about the file of an upload, in their order.
select code, message, row_number, column_name as "column"
from upload_warnings
where upload_id = %(upload_id)s
order by number
