update upload_history
set redrives = case when redriven_at > last_progress_at then redrives else 0 end + 1,
    redriven_at = now()
where upload_id = %(upload_id)s
