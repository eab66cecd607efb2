insert into quarantined_objects (s3_key, s3_version_id, reason)
values (%(s3_key)s, %(s3_version_id)s, %(reason)s)
on conflict do nothing
