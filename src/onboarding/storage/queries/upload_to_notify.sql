-- Held until the notification is out and marked: whoever comes second waits, and then finds nothing to do.
select upload_id
from upload_history
where upload_id = %(upload_id)s and status <> 'processing' and notified_at is null
for update
