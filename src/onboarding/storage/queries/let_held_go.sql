delete from held_rows where upload_id = any(%(uploads)s::text[])
