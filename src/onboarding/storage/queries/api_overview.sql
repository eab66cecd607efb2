-- The last day in one line, and what waits whenever it came.
select
    count(*) filter (where upload_timestamp > now() - interval '1 day'),
    count(*) filter (where status = 'processing'),
    coalesce(sum(total_records) filter (where upload_timestamp > now() - interval '1 day'), 0),
    coalesce(sum(valid_records) filter (where upload_timestamp > now() - interval '1 day'), 0),
    coalesce(sum(error_records) filter (where upload_timestamp > now() - interval '1 day'), 0),
    count(*) filter (where status = 'processing' and last_progress_at <= now() - %(patience)s::interval),
    (select count(*) from quarantined_objects)
from upload_history
where upload_timestamp > now() - interval '1 day' or status = 'processing'
