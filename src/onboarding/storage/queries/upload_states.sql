select upload_id, vendor_id, total_records, status, mode, on_error
from upload_history
where upload_id = any(%(uploads)s::text[])
