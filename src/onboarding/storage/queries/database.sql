-- name: restrict_to_vendor
-- Restrict the transaction to the rows of one vendor by row-level security.
select set_config('onboarding.vendor_id', %(vendor_id)s, true), set_config('role', 'onboarding_vendor', true)

-- name: set_role
-- Give the transaction the rights of this role.
select set_config('role', %(role)s, true)

-- name: force_index_plans
-- Make the transaction use indexes for every table, and reuse the plans of its statements.
-- Reused plans save the planning of each foreign-key check, a third of the cost of an insert. Without the index
-- settings, a plan that scans a small table would still scan it after it has grown.
select
    set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),
    set_config('enable_mergejoin', 'off', true), set_config('plan_cache_mode', 'auto', true)

-- name: create_schema_migrations
-- Create the table of applied migrations.
create table if not exists schema_migrations (
    name       text        not null primary key,
    number     integer     not null,
    checksum   text        not null,
    applied_at timestamptz not null default now()
)

-- name: insert_migration
-- Insert an applied migration.
insert into schema_migrations (name, number, checksum) values (%(name)s, %(number)s, %(checksum)s)

-- name: list_lock_holders
-- List sessions whose transactions have held a lock on a table for longer than a migration waits for one.
select a.pid, coalesce(a.usename, a.backend_type) as role, a.state,
    extract(epoch from now() - a.xact_start)::integer as seconds,
    left(regexp_replace(a.query, '\s+', ' ', 'g'), 100) as query
from pg_stat_activity a
where a.datname = current_database() and a.pid <> pg_backend_pid()
    and a.xact_start < now() - make_interval(secs => %(seconds)s)
    and exists (
        select from pg_locks l
        where l.pid = a.pid and l.granted and l.locktype = 'relation' and l.relation >= 16384
            and l.database = (select oid from pg_database where datname = current_database())
    )
order by a.xact_start
