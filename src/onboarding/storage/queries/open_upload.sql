insert into upload_history (
    upload_id, vendor_id, file_name, s3_key, s3_version_id, file_size_bytes, total_records, upload_timestamp,
    status, failure_code, failure_reason, processing_completed_at, content_sha256, mode, on_error
)
values (
    %(upload_id)s, %(vendor_id)s, %(file_name)s, %(s3_key)s, %(s3_version_id)s, %(file_size_bytes)s,
    %(total_records)s, %(upload_timestamp)s,
    case when %(failure_code)s::text is null then 'processing' else 'failed' end, %(failure_code)s, %(failure_reason)s,
    case when %(failure_code)s::text is not null then now() end, %(content_sha256)s, %(mode)s, %(on_error)s
)
on conflict do nothing
