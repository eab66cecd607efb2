-- name: insert_quarantined_object
-- Insert an object that belongs to no vendor.
insert into quarantined_objects (s3_key, s3_version_id, reason)
values (%(s3_key)s, %(s3_version_id)s, %(reason)s)
on conflict do nothing

-- name: get_quarantine_reason
-- Return the reason for which an object is quarantined.
select reason
from quarantined_objects
where s3_key = %(s3_key)s and s3_version_id = %(s3_version_id)s

-- name: list_quarantined_objects
-- List the latest 100 quarantined objects.
select s3_key, reason, created_at from quarantined_objects order by created_at desc limit 100

-- name: start_read_attempt
-- Count an attempt to read an object. Returns no row if all attempts are used and the last one cannot be running.
insert into read_attempts as previous (s3_key, s3_version_id)
values (%(s3_key)s, %(s3_version_id)s)
on conflict (s3_key, s3_version_id) do update
set attempts = previous.attempts + 1, started_at = now()
where previous.attempts < %(max_attempts)s or previous.started_at > now() - %(patience)s::interval
returning attempts

-- name: delete_read_attempts
-- Delete the attempts for an object that was read.
delete from read_attempts where s3_key = %(s3_key)s and s3_version_id = %(s3_version_id)s

-- name: list_unfinished_read_attempts
-- List objects without an upload whose last attempt started some time ago. Uploads are resumed by other queries.
select s3_key, s3_version_id
from read_attempts a
where started_at <= now() - %(patience)s::interval
  and not exists (
    select from upload_history u where u.s3_key = a.s3_key and u.s3_version_id = a.s3_version_id
  )
  and not exists (
    select from quarantined_objects q where q.s3_key = a.s3_key and q.s3_version_id = a.s3_version_id
  )
order by started_at
limit %(limit)s

-- name: list_known_objects
-- List those of these objects that have an upload or are quarantined.
select s3_key, s3_version_id
from unnest(%(keys)s::text[], %(versions)s::text[]) as object (s3_key, s3_version_id)
where exists (
        select from upload_history u where u.s3_key = object.s3_key and u.s3_version_id = object.s3_version_id
    )
   or exists (
        select from quarantined_objects q where q.s3_key = object.s3_key and q.s3_version_id = object.s3_version_id
    )

-- name: get_sweep_cursor
-- Return the position at which the sweep of the bucket continues.
select s3_key, s3_version_id from sweep_cursor

-- name: delete_sweep_cursor
-- Make the sweep start from the beginning.
delete from sweep_cursor

-- name: upsert_sweep_cursor
-- Set the position at which the sweep of the bucket continues.
insert into sweep_cursor (s3_key, s3_version_id)
values (%(s3_key)s, %(s3_version_id)s)
on conflict (singleton) do update set s3_key = excluded.s3_key, s3_version_id = excluded.s3_version_id
