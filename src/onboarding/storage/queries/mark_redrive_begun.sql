-- Before the upload is driven on: a run that dies of it must not begin with it again.
update upload_history
set redrives = case when redriven_at > last_progress_at then redrives else 0 end,
    redrive_attempts = case when redriven_at > last_progress_at then redrive_attempts else 0 end + 1,
    redriven_at = now()
where upload_id = %(upload_id)s
