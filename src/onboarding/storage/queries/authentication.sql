-- name: list_accounts
-- List the vendors and active operators with this e-mail address; several may have the same one.
select vendor_id, null::bigint as operator_id, vendor_name as name, email
from vendors
where lower(email) = %(email)s
union all
select null, operator_id, name, email
from operators
where lower(email) = %(email)s and status = 'active'
order by vendor_id nulls first
limit 10

-- name: lock_subject
-- Lock a subject until the transaction ends, so that its concurrent requests are counted in turn.
select pg_advisory_xact_lock(hashtextextended(%(subject)s, 2))

-- name: insert_sign_in_request
-- Insert a sign-in request and return a row, if its subject is below the limit or its last request is old enough.
-- Also deletes up to 100 requests that are older than any window.
with old as (
    delete from sign_in_requests
    where ctid in (select ctid from sign_in_requests where at < now() - interval '1 day' limit 100)
)
insert into sign_in_requests (subject)
select %(subject)s
from (
    select count(*) as requests, max(at) as latest
    from sign_in_requests
    where subject = %(subject)s and at > clock_timestamp() - %(window)s::interval
) recent
where requests < %(limit)s or latest < clock_timestamp() - %(pause)s::interval
returning at

-- name: insert_sign_in_link
-- Insert a sign-in link.
insert into sign_in_links (link_sha256, vendor_id, operator_id, expires_at)
values (%(link)s, %(vendor_id)s, %(operator_id)s, now() + %(age)s::interval)

-- name: find_sign_in_link
-- Return a row if a sign-in link is unused and has not expired.
select 1 from sign_in_links where link_sha256 = %(link)s and used_at is null and expires_at > now()

-- name: use_sign_in_link
-- Use a sign-in link and return its account. Of two concurrent uses, only one returns a row.
with used as (
    update sign_in_links
    set used_at = now()
    where link_sha256 = %(link)s and used_at is null and expires_at > now()
    returning vendor_id, operator_id
)
select u.vendor_id, u.operator_id, coalesce(v.vendor_name, o.name) as name, coalesce(v.email, o.email) as email
from used u
left join vendors v using (vendor_id)
left join operators o using (operator_id)
where o.operator_id is null or o.status = 'active'

-- name: insert_session
-- Insert a session. Also deletes up to 100 sessions and links each that expired more than a week ago.
with old_sessions as (
    delete from sessions
    where session_sha256 in (select session_sha256 from sessions where expires_at < now() - interval '7 days' limit 100)
),
old_links as (
    delete from sign_in_links
    where link_sha256 in (select link_sha256 from sign_in_links where expires_at < now() - interval '7 days' limit 100)
)
insert into sessions (session_sha256, vendor_id, operator_id, expires_at)
values (%(session)s, %(vendor_id)s, %(operator_id)s, now() + %(age)s::interval)
returning expires_at

-- name: get_session_principal
-- Return the vendor or active operator of a session that has not ended.
select
    s.vendor_id, coalesce(v.vendor_name, o.name) as name, coalesce(v.email, o.email) as email,
    coalesce(v.status, o.status) as status, o.role
from sessions s
left join vendors v using (vendor_id)
left join operators o using (operator_id)
where s.session_sha256 = %(session)s and s.ended_at is null and s.expires_at > now()
  and (o.operator_id is null or o.status = 'active')

-- name: end_session
-- End a session.
update sessions set ended_at = now() where session_sha256 = %(session)s and ended_at is null

-- name: expire_vendor_sign_in_links
-- Mark the unused sign-in links of a vendor as used.
update sign_in_links set used_at = now() where vendor_id = %(vendor_id)s and used_at is null

-- name: end_vendor_sessions
-- End the sessions of a vendor.
update sessions set ended_at = now() where vendor_id = %(vendor_id)s and ended_at is null and expires_at > now()

-- name: expire_operator_sign_in_links
-- Mark the unused sign-in links of an operator as used.
update sign_in_links set used_at = now()
from operators
where operators.operator_id = sign_in_links.operator_id and lower(operators.email) = lower(%(email)s)
  and sign_in_links.used_at is null

-- name: end_operator_sessions
-- End the sessions of an operator.
update sessions set ended_at = now()
from operators
where operators.operator_id = sessions.operator_id and lower(operators.email) = lower(%(email)s)
  and sessions.ended_at is null and sessions.expires_at > now()

-- name: get_key_principal
-- Return an active API key with its vendor, if it has one; set the time of its last use with a precision of one minute.
with active_key as (
    select k.key_id, k.vendor_id, coalesce(v.vendor_name, k.name) as name, v.email, v.status, k.scopes, k.last_used_at
    from api_keys k
    left join vendors v using (vendor_id)
    where k.key_sha256 = %(key)s and k.revoked_at is null and k.expires_at > now()
),
touched as (
    update api_keys k
    set last_used_at = now()
    from active_key
    where k.key_id = active_key.key_id
      and (active_key.last_used_at is null or active_key.last_used_at < now() - interval '1 minute')
)
select key_id, vendor_id, name, email, status, scopes from active_key

-- name: list_api_keys
-- List the API keys of a vendor, or those of the marketplace if it is null, newest first.
select key_id, name, scopes, created_at, created_by, expires_at, revoked_at, last_used_at
from api_keys
where vendor_id = %(vendor_id)s or (%(vendor_id)s::text is null and vendor_id is null)
order by created_at desc, key_id

-- name: get_key_names
-- Return the names of API keys.
select key_id, name from api_keys where key_id = any(%(key_ids)s)

-- name: insert_api_key
-- Insert an API key.
insert into api_keys (key_id, vendor_id, name, key_sha256, scopes, created_by, expires_at)
values (
    %(key_id)s, %(vendor_id)s, %(name)s, %(key)s, %(scopes)s::text[], %(created_by)s,
    now() + %(days)s * interval '1 day'
)
returning key_id, name, scopes, created_at, created_by, expires_at, revoked_at, last_used_at

-- name: revoke_api_key
-- Revoke an API key of a vendor, or of the marketplace if it is null.
update api_keys
set revoked_at = coalesce(revoked_at, now())
where key_id = %(key_id)s and vendor_id is not distinct from %(vendor_id)s
