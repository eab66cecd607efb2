update upload_history
set announcements = announcements + 1, announced_at = now()
where upload_id = any(%(uploads)s::text[])
