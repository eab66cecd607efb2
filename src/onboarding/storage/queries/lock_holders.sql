-- Transactions that have held a lock on a table of this database for longer than a migration waits for one.
select a.pid, coalesce(a.usename, a.backend_type), a.state, extract(epoch from now() - a.xact_start)::integer,
    left(regexp_replace(a.query, '\s+', ' ', 'g'), 100)
from pg_stat_activity a
where a.datname = current_database() and a.pid <> pg_backend_pid()
    and a.xact_start < now() - make_interval(secs => %(seconds)s)
    and exists (
        select from pg_locks l
        where l.pid = a.pid and l.granted and l.locktype = 'relation' and l.relation >= 16384
            and l.database = (select oid from pg_database where datname = current_database())
    )
order by a.xact_start
