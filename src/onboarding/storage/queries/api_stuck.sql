-- Uploads under way in which nothing has moved for a while, longest first.
select upload_id
from upload_history
where status = 'processing' and last_progress_at <= now() - %(patience)s::interval
order by last_progress_at
limit %(limit)s
