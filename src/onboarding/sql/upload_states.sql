select upload_id, status
from upload_history
where upload_id = any(%(uploads)s::text[])
