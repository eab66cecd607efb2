-- A new session; and a few of those that ended long ago are forgotten on the way, like links that nobody used.
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
