select s3_key, reason, created_at from quarantined_objects order by created_at desc limit 100
