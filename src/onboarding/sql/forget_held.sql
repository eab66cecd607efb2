delete from held_rows where upload_id = %(upload_id)s
