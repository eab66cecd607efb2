-- The history, newest first; every condition is optional.
select
    u.upload_id, u.vendor_id, v.vendor_name, v.email, u.file_name, u.s3_key, u.s3_version_id, u.file_size_bytes,
    u.total_records, u.valid_records, u.error_records, u.status, u.failure_code, u.failure_reason,
    u.error_file_s3_key, u.upload_timestamp, u.processing_started_at, u.processing_completed_at, u.last_progress_at,
    u.notified_at, u.mode, u.on_error, u.created_records, u.updated_records, u.unchanged_records, u.fix_file_s3_key,
    u.undone_at
from upload_history u
join vendors v using (vendor_id)
where (%(upload_id)s::text is null or u.upload_id = %(upload_id)s)
  and (%(vendor_id)s::text is null or u.vendor_id = %(vendor_id)s)
  and (%(status)s::text is null or u.status = %(status)s)
  and (%(since)s::timestamptz is null or u.upload_timestamp >= %(since)s)
  and (%(until)s::timestamptz is null or u.upload_timestamp < %(until)s)
  and (%(before)s::timestamptz is null or (u.upload_timestamp, u.upload_id) < (%(before)s, %(before_id)s::text))
order by u.upload_timestamp desc, u.upload_id desc
limit %(limit)s
