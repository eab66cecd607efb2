-- How many dry runs of a vendor are running, how many began lately, and in how many seconds the first of those is forgotten.
select
    count(*) filter (where ended_at is null and started_at > clock_timestamp() - %(longest)s::interval),
    count(*),
    coalesce(ceil(extract(epoch from min(started_at) + %(window)s::interval - clock_timestamp())), 0)::integer
from dry_runs
where vendor_id = %(vendor_id)s and started_at > clock_timestamp() - %(window)s::interval
