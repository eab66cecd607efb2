select detected from upload_history where upload_id = %(upload_id)s
