select row_number, vendor_product_id, reason
from undo_kept
where upload_id = %(upload_id)s
order by row_number
