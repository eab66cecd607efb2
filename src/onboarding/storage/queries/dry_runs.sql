-- name: lock_dry_runs
-- Lock the dry runs of a vendor until the transaction ends, so that concurrent requests are counted in turn.
select pg_advisory_xact_lock(hashtextextended('dry runs of ' || %(vendor_id)s, 0))

-- name: count_dry_runs
-- Count a vendor's dry runs that are running and that started within the window.
-- `seconds` is the time until the first of these is outside the window.
select
    count(*) filter (where ended_at is null and started_at > clock_timestamp() - %(max_duration)s::interval) as running,
    count(*) as recent,
    coalesce(
        ceil(extract(epoch from min(started_at) + %(window)s::interval - clock_timestamp())), 0
    )::integer as seconds
from dry_runs
where vendor_id = %(vendor_id)s and started_at > clock_timestamp() - %(window)s::interval

-- name: insert_dry_run
-- Insert a dry run. Also deletes dry runs of the vendor that are older than a day.
with expired as (
    delete from dry_runs where vendor_id = %(vendor_id)s and started_at < now() - interval '1 day'
)
insert into dry_runs (vendor_id) values (%(vendor_id)s) returning dry_run_id

-- name: end_dry_run
-- Set the end of a dry run.
update dry_runs set ended_at = clock_timestamp() where dry_run_id = %(dry_run_id)s
