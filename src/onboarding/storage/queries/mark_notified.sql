update upload_history
set error_file_s3_key = %(error_file_s3_key)s, fix_file_s3_key = %(fix_file_s3_key)s, notified_at = now()
where upload_id = %(upload_id)s
