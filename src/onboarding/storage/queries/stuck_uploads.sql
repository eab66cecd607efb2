-- Uploads under way in which nothing has moved for a while, longest first; how often they were driven on in vain since, and
-- how often that was tried. Each time in vain the wait for the next doubles: what was staged anew may lie behind much else.
select upload_id, vendor_id, s3_key, s3_version_id, last_progress_at, redrives_in_vain, attempts_in_vain
from (
    select
        *,
        case when redriven_at > last_progress_at then redrives else 0 end as redrives_in_vain,
        case when redriven_at > last_progress_at then redrive_attempts else 0 end as attempts_in_vain
    from upload_history
    where status = 'processing'
) as under_way
where greatest(last_progress_at, redriven_at) <= now() - %(patience)s::interval * 2 ^ redrives_in_vain
order by greatest(last_progress_at, redriven_at)
limit %(limit)s
