-- name: upsert_upload_session
-- Insert an upload session, or return the one with this idempotency key, extended if it has expired or soon expires.
insert into upload_sessions (
    upload_session_id, vendor_id, file_name, s3_key, options, idempotency_key, expires_at, created_by, purpose
)
values (
    %(upload_session_id)s, %(vendor_id)s, %(file_name)s, %(s3_key)s, %(options)s::jsonb, %(idempotency_key)s,
    now() + %(age)s::interval, %(created_by)s, %(purpose)s
)
on conflict on constraint upload_sessions_idempotency_key do update
set expires_at = case
    when upload_sessions.expires_at > now() + interval '1 minute' then upload_sessions.expires_at
    else excluded.expires_at
end
returning upload_session_id, file_name, s3_key, options, expires_at

-- name: get_upload_session
-- Return an upload session of a vendor (null: of any), with the upload of the first file that was stored under its key.
select t.upload_session_id, t.file_name, t.s3_key, t.options, t.expires_at, u.upload_id
from upload_sessions t
left join lateral (
    select upload_id
    from upload_history
    where s3_key = t.s3_key
    order by failure_code is not distinct from 'UPLOAD_SESSION_USED', upload_timestamp
    limit 1
) u on true
where t.upload_session_id = %(upload_session_id)s and (%(vendor_id)s::text is null or t.vendor_id = %(vendor_id)s)

-- name: find_upload_session
-- Find the upload session of a vendor with this idempotency key.
select upload_session_id, file_name, s3_key, options, expires_at
from upload_sessions
where vendor_id = %(vendor_id)s and idempotency_key = %(idempotency_key)s

-- name: get_upload_purpose
-- Return the purpose of the upload session with this key of an object.
select purpose from upload_sessions where s3_key = %(s3_key)s

-- name: find_other_upload_of_session
-- Return the upload of another version of this object, if its key belongs to an upload session.
select u.upload_id
from upload_sessions t
join upload_history u on u.s3_key = t.s3_key
where t.s3_key = %(s3_key)s
  and u.s3_version_id <> %(s3_version_id)s
  and u.failure_code is distinct from 'UPLOAD_SESSION_USED'
limit 1
