-- name: insert_upload
-- Insert the history row of an upload; its status is `failed` if the file was rejected.
insert into upload_history (
    upload_id, vendor_id, file_name, s3_key, s3_version_id, file_size_bytes, total_records, upload_timestamp,
    status, failure_code, failure_reason, processing_completed_at, content_sha256, mode, on_error,
    mapping_id, mapping_version, used_values, missing_columns, parent_upload_id
)
values (
    %(upload_id)s, %(vendor_id)s, %(file_name)s, %(s3_key)s, %(s3_version_id)s, %(file_size_bytes)s,
    %(total_records)s, %(upload_timestamp)s,
    case when %(failure_code)s::text is null then 'processing' else 'failed' end, %(failure_code)s, %(failure_reason)s,
    case when %(failure_code)s::text is not null then now() end, %(content_sha256)s, %(mode)s, %(on_error)s,
    %(mapping_id)s, %(mapping_version)s, %(used_values)s::jsonb, %(missing_columns)s::jsonb,
    %(parent_upload_id)s
)
on conflict do nothing

-- name: list_uploads
-- List uploads, newest first. Every condition is optional.
select
    u.upload_id, u.vendor_id, v.vendor_name, v.email as vendor_email, u.file_name, u.s3_key, u.s3_version_id,
    u.file_size_bytes, u.total_records, u.valid_records, u.error_records, u.status, u.failure_code, u.failure_reason,
    u.error_file_s3_key, u.upload_timestamp, u.processing_started_at, u.processing_completed_at, u.last_progress_at,
    u.notified_at, u.mode, u.on_error, u.created_records, u.updated_records, u.unchanged_records, u.fix_file_s3_key,
    u.undone_at, u.parent_upload_id, parent.file_name as parent_file_name, u.fixed_records
from upload_history u
join vendors v using (vendor_id)
left join upload_history parent on parent.upload_id = u.parent_upload_id
where (%(upload_id)s::text is null or u.upload_id = %(upload_id)s)
  and (%(vendor_id)s::text is null or u.vendor_id = %(vendor_id)s)
  and (%(status)s::text is null or u.status = %(status)s)
  and (%(since)s::timestamptz is null or u.upload_timestamp >= %(since)s)
  and (%(until)s::timestamptz is null or u.upload_timestamp < %(until)s)
  and (%(before)s::timestamptz is null or (u.upload_timestamp, u.upload_id) < (%(before)s, %(before_id)s::text))
order by u.upload_timestamp desc, u.upload_id desc
limit %(limit)s

-- name: find_duplicate_upload
-- Find the vendor's upload of the same bytes with the same options and mappings within 24 hours.
-- Failed, undone, cancelled and not fully processed uploads do not count: the vendor may upload their files again.
select upload_id, file_name, upload_timestamp
from upload_history u
where vendor_id = %(vendor_id)s
  and content_sha256 = %(content_sha256)s
  and mode = %(mode)s
  and on_error = %(on_error)s
  and (mapping_id, mapping_version) is not distinct from (%(mapping_id)s::text, %(mapping_version)s::integer)
  and used_values = %(used_values)s::jsonb
  and upload_timestamp >= %(upload_timestamp)s::timestamptz - interval '24 hours'
  and upload_timestamp <= %(upload_timestamp)s::timestamptz + interval '24 hours'
  and upload_id <> %(upload_id)s
  and status <> 'failed'
  and undone_at is null
  and not exists (
    select from validation_errors e where e.upload_id = u.upload_id and e.error_type in ('NOT_PROCESSED', 'CANCELLED')
  )
order by upload_timestamp desc
limit 1

-- name: lock_upload_content
-- Lock a vendor's file content until the transaction ends, so that uploads of equal files are opened in turn.
select pg_advisory_xact_lock(hashtextextended(%(vendor_id)s::text || ' ' || %(content_sha256)s::text, 1))

-- name: list_upload_states
-- List the columns of these uploads that the validation of their rows depends on.
select upload_id, vendor_id, total_records, status, mode, on_error
from upload_history
where upload_id = any(%(uploads)s::text[])

-- name: list_row_outcomes
-- List the outcomes of the rows in these ranges: one line for each product, product change, held row and error.
-- The rows of a batch are adjacent, so the range from its first to its last row takes one look-up in each index.
with row_range as materialized (
    select *
    from unnest(%(uploads)s::text[], %(first_rows)s::int[], %(last_rows)s::int[])
        as ranges (upload_id, first_row, last_row)
)
select p.upload_id, p.row_number, null as error_type, null as field, null as message, null as value, null as expected,
    null as hint
from row_range
join products p on p.upload_id = row_range.upload_id and p.row_number between first_row and last_row
union all
select c.upload_id, c.row_number, null, null, null, null, null, null
from row_range
join product_changes c on c.upload_id = row_range.upload_id and c.row_number between first_row and last_row
union all
select h.upload_id, h.row_number, null, null, null, null, null, null
from row_range
join held_rows h on h.upload_id = row_range.upload_id and h.row_number between first_row and last_row
union all
(
    select
        e.upload_id, e.row_number, e.error_type, e.error_field, e.error_message, coalesce(e.rejected_value, ''),
        e.expected, e.hint
    from row_range
    join validation_errors e on e.upload_id = row_range.upload_id and e.row_number between first_row and last_row
    order by e.error_id
)

-- name: add_outcome_counts
-- Add outcomes to the counts of these uploads, and set the final status of those that are complete.
-- One statement does both, so that no session sees complete counts without the final status.
-- Returns the status of each upload, and the numbers of its invalid rows, held rows, and rows not validated yet.
update upload_history u
set created_records = u.created_records + counted.created,
    updated_records = u.updated_records + counted.updated,
    unchanged_records = u.unchanged_records + counted.unchanged,
    valid_records = u.valid_records + counted.valid,
    error_records = u.error_records + counted.error,
    held_records = u.held_records + counted.held,
    status = case
        when u.valid_records + counted.valid + u.error_records + counted.error < u.total_records then u.status
        when u.error_records + counted.error = 0 then 'completed'
        when u.valid_records + counted.valid = 0 then 'failed'
        else 'partial'
    end,
    processing_completed_at = case
        when u.valid_records + counted.valid + u.error_records + counted.error = u.total_records then now()
    end,
    last_progress_at = now()
from (
    select *, created + updated + unchanged as valid
    from unnest(
        %(uploads)s::text[], %(created)s::int[], %(updated)s::int[], %(unchanged)s::int[], %(error)s::int[],
        %(held)s::int[]
    ) as outcome (upload_id, created, updated, unchanged, error, held)
) as counted
where u.upload_id = counted.upload_id and u.status = 'processing'
returning
    u.upload_id, u.status, u.error_records as invalid, u.held_records as held,
    u.total_records - u.valid_records - u.error_records - u.held_records as pending

-- name: list_stalled_uploads
-- List uploads in processing without progress, longest first, with their numbers of resumes since their last progress.
-- The wait doubles with each resume without progress, since the staged rows may be behind those of other uploads.
select upload_id, vendor_id, s3_key, s3_version_id, last_progress_at, attempts as resume_attempts,
    starts as resume_starts
from (
    select
        *,
        case when resume_started_at > last_progress_at then resume_attempts else 0 end as attempts,
        case when resume_started_at > last_progress_at then resume_starts else 0 end as starts
    from upload_history
    where status = 'processing'
) as in_processing
where greatest(last_progress_at, resume_started_at) <= now() - %(patience)s::interval * 2 ^ attempts
order by greatest(last_progress_at, resume_started_at)
limit %(limit)s

-- name: list_stalled_upload_ids
-- List the ids of uploads in processing without progress, longest first.
select upload_id
from upload_history
where status = 'processing' and last_progress_at <= now() - %(patience)s::interval
order by last_progress_at
limit %(limit)s

-- name: mark_resume_started
-- Count the start of a resume.
-- It is committed before the upload is resumed, so that the next run starts with another upload if this one crashes.
update upload_history
set resume_attempts = case when resume_started_at > last_progress_at then resume_attempts else 0 end,
    resume_starts = case when resume_started_at > last_progress_at then resume_starts else 0 end + 1,
    resume_started_at = now()
where upload_id = %(upload_id)s

-- name: mark_upload_resumed
-- Count a resume that staged the rows of an upload again.
update upload_history set resume_attempts = resume_attempts + 1 where upload_id = %(upload_id)s

-- name: list_unnotified_uploads
-- List finished uploads without a notification, longest first.
-- The wait doubles with each unsuccessful attempt, up to a factor of 64, so that these uploads do not block others.
select upload_id, vendor_id
from upload_history
where status <> 'processing' and notified_at is null
  and coalesce(renotified_at, processing_completed_at) <= now() - %(patience)s::interval * 2 ^ least(renotifications, 6)
order by coalesce(renotified_at, processing_completed_at)
limit %(limit)s

-- name: mark_uploads_renotified
-- Count another attempt to notify these uploads.
update upload_history
set renotifications = renotifications + 1, renotified_at = now()
where upload_id = any(%(uploads)s::text[])

-- name: list_recently_notified_uploads
-- List uploads of the last day whose notification was published some time ago.
-- By then their e-mail has been sent, or it needs another attempt. The wait doubles after each attempt; after six
-- attempts the e-mail remains in the dead-letter queue. No e-mail is sent about accepted edits.
select upload_id
from upload_history u
where notified_at between now() - interval '1 day' and now() - %(patience)s::interval * 2 ^ renotifications
  and renotifications < 6
  and not (
    status = 'completed'
    and exists (select from upload_sessions s where s.s3_key = u.s3_key and s.purpose = 'edit')
  )
order by notified_at

-- name: reopen_notifications
-- Clear the notification time of uploads whose e-mail was not sent, so that they are notified again.
update upload_history
set notified_at = null
where upload_id = any(%(uploads)s::text[])

-- name: lock_upload_to_notify
-- Lock a finished upload that has no notification yet.
-- The lock lasts until the notification is published and marked. A concurrent session waits for it and returns no row.
select upload_id
from upload_history
where upload_id = %(upload_id)s and status <> 'processing' and notified_at is null
for update

-- name: mark_upload_notified
-- Set the notification time of an upload and the keys of its two files.
update upload_history
set error_file_s3_key = %(error_file_s3_key)s, fix_file_s3_key = %(fix_file_s3_key)s, notified_at = now()
where upload_id = %(upload_id)s

-- name: get_upload_overview
-- Return the counts of the last day, and the current numbers of uploads in processing, stalled uploads and quarantined
-- objects. `original_…` are those of uploads that correct no other one.
select
    count(*) filter (where is_of_last_day) as uploads,
    count(*) filter (where status = 'processing') as processing,
    coalesce(sum(total_records) filter (where is_of_last_day), 0) as rows,
    coalesce(sum(valid_records) filter (where is_of_last_day), 0) as valid_rows,
    coalesce(sum(error_records) filter (where is_of_last_day), 0) as error_rows,
    coalesce(sum(valid_records) filter (where is_of_last_day and is_original), 0) as original_valid_rows,
    coalesce(sum(error_records) filter (where is_of_last_day and is_original), 0) as original_error_rows,
    coalesce(sum(fixed_records) filter (where is_of_last_day and is_original), 0) as fixed_rows,
    count(*) filter (where status = 'processing' and last_progress_at <= now() - %(patience)s::interval) as stalled,
    (select count(*) from quarantined_objects) as quarantined
from upload_history
cross join lateral (
    select upload_timestamp > now() - interval '1 day' as is_of_last_day, parent_upload_id is null as is_original
) kind
where upload_timestamp > now() - interval '1 day' or status = 'processing'

-- name: list_upload_throughput
-- Count the uploads and rows that were finished in each interval up to now, including empty intervals.
-- `original_…` are the rows of uploads that correct no other one.
with finished as (
    select
        ceil(extract(epoch from now() - processing_completed_at) / extract(epoch from %(width)s::interval)) as n,
        count(*) as uploads, sum(total_records) as total, sum(valid_records) as valid, sum(error_records) as error,
        sum(total_records) filter (where parent_upload_id is null) as original,
        sum(error_records) filter (where parent_upload_id is null) as original_error
    from upload_history
    where processing_completed_at >= now() - %(intervals)s * %(width)s::interval and processing_completed_at < now()
    group by 1
)
select
    now() - n * %(width)s::interval as at, coalesce(uploads, 0) as uploads, coalesce(total, 0) as rows,
    coalesce(valid, 0) as valid_rows, coalesce(error, 0) as error_rows, coalesce(original, 0) as original_rows,
    coalesce(original_error, 0) as original_error_rows
from generate_series(1, %(intervals)s::integer) as n
left join finished using (n)
order by at
