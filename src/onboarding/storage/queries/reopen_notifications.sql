-- Uploads without a mail: their notification is published again.
update upload_history
set notified_at = null
where upload_id = any(%(uploads)s::text[])
