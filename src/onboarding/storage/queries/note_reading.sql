update upload_history set detected = %(detected)s::jsonb where upload_id = %(upload_id)s and detected is null
