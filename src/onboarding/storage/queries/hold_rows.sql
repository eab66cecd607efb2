insert into held_rows (upload_id, row_number, vendor_id, cells)
select h ->> 0, (h ->> 1)::integer, h ->> 2, h -> 3
from jsonb_array_elements(%(rows)s::jsonb) as h
