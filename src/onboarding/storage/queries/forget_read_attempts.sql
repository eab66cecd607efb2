delete from read_attempts where s3_key = %(s3_key)s and s3_version_id = %(s3_version_id)s
