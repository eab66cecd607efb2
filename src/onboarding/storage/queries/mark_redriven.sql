-- Its rows are staged anew. If that was in vain is seen when nothing has moved since.
update upload_history set redrives = redrives + 1 where upload_id = %(upload_id)s
