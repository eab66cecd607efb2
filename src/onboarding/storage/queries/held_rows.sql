select upload_id, vendor_id, row_number, cells
from held_rows
where upload_id = %(upload_id)s
order by row_number
