-- Count a request if its subject has made fewer than the limit within the window, or if its last one is older than the
-- pause; a row comes back if so. What is older than any window is deleted on the way, a little at a time.
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
