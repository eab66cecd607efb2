select s3_key, s3_version_id from sweep_position
