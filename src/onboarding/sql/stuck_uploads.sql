-- Uploads under way in which nothing has moved for a while, longest first; and how often they were driven on in vain.
select
    upload_id, vendor_id, s3_key, s3_version_id,
    case when redriven_at > last_progress_at then redrives else 0 end as redrives_in_vain
from upload_history
where status = 'processing'
  and greatest(last_progress_at, redriven_at) <= now() - %(patience)s::interval
order by last_progress_at
limit %(limit)s
