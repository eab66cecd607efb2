-- One more; and what is older than any window is forgotten on the way, a little at a time.
with old as (
    delete from sign_in_requests
    where ctid in (select ctid from sign_in_requests where at < now() - interval '1 day' limit 100)
)
insert into sign_in_requests (subject) values (%(subject)s)
