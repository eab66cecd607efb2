-- Uploads have their own ways to be resumed.
select s3_key, s3_version_id
from read_attempts a
where begun_at <= now() - %(patience)s::interval
  and not exists (
    select from upload_history u where u.s3_key = a.s3_key and u.s3_version_id = a.s3_version_id
  )
  and not exists (
    select from quarantined_objects q where q.s3_key = a.s3_key and q.s3_version_id = a.s3_version_id
  )
order by begun_at
limit %(limit)s
