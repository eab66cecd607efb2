select upload_id, vendor_id
from upload_history
where status <> 'processing' and notified_at is null and processing_completed_at <= now() - %(patience)s::interval
order by processing_completed_at
limit %(limit)s
