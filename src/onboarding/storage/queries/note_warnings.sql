insert into upload_warnings (upload_id, number, code, message, row_number, column_name)
select %(upload_id)s, (line ->> 0)::integer, line ->> 1, line ->> 2, (line ->> 3)::integer, line ->> 4
from jsonb_array_elements(%(warnings)s::jsonb) as line
on conflict do nothing
