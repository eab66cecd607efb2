-- name: get_export_of_request
-- Return the export that an actor requested with an idempotency key.
select * from exports where created_by = %(created_by)s and idempotency_key = %(idempotency_key)s

-- name: count_pending_exports
-- Count the exports of a vendor, or of an operator, that are not finished.
select count(*)
from exports
where completed_at is null
  and vendor_id is not distinct from %(vendor_id)s::text
  and (vendor_id is not null or created_by = %(created_by)s)

-- name: insert_export
-- Insert an export that waits for its start.
insert into exports (export_id, vendor_id, format, filters, created_by, idempotency_key, total_rows)
values (
    %(export_id)s, %(vendor_id)s, %(format)s, %(filters)s::jsonb, %(created_by)s, %(idempotency_key)s, %(total_rows)s
)
returning *

-- name: get_export
-- Return an export of a vendor, or of an operator.
select * from exports where export_id = %(export_id)s and vendor_id is not distinct from %(vendor_id)s::text

-- name: list_exports
-- List the exports of a vendor, or those of operators, the newest first.
select *
from exports
where vendor_id is not distinct from %(vendor_id)s::text
order by created_at desc, export_id desc
limit %(limit)s

-- name: claim_export
-- Start an export that waits, or whose last start made no progress for some time.
update exports
set status = 'running', attempts = attempts + 1, last_progress_at = now(), written_rows = 0
where export_id = %(export_id)s
  and (status = 'waiting' or (status = 'running' and last_progress_at < now() - %(patience)s::interval))
returning *

-- name: record_export_progress
-- Record the number of written rows, unless the export was started again.
update exports
set written_rows = %(written_rows)s, last_progress_at = now()
where export_id = %(export_id)s and status = 'running' and attempts = %(attempts)s

-- name: complete_export
-- Complete an export whose file is in the bucket, unless it was started again.
update exports
set status = 'completed', completed_at = now(), total_rows = written_rows, size_bytes = %(size_bytes)s,
    s3_key = %(s3_key)s
where export_id = %(export_id)s and status = 'running' and attempts = %(attempts)s

-- name: release_export
-- Let an export that failed be started again at once.
update exports
set status = 'waiting'
where export_id = %(export_id)s and status = 'running' and attempts = %(attempts)s

-- name: fail_stalled_exports
-- End the exports without progress that were started often enough, or requested long ago; return their ids.
update exports
set status = 'failed', completed_at = now()
where completed_at is null
  and last_progress_at < now() - %(patience)s::interval
  and (attempts >= %(max_attempts)s or created_at < now() - %(max_age)s::interval)
returning export_id

-- name: reset_stalled_exports
-- Let the other exports without progress be started again; return their ids.
update exports
set status = 'waiting', last_progress_at = now()
where completed_at is null and last_progress_at < now() - %(patience)s::interval
returning export_id

-- name: delete_expired_exports
-- Delete exports whose file has been deleted.
delete from exports where created_at < now() - %(age)s::interval
