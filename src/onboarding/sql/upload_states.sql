select upload_id, status, mode, on_error, undone_at is not null
from upload_history
where upload_id = any(%(uploads)s::text[])
