-- Move the counts of these uploads by what was newly judged. The one statement that makes valid + error = total also
-- sets the final status: there is no moment between, and no second time.
update upload_history u
set valid_records = u.valid_records + judged.valid,
    error_records = u.error_records + judged.error,
    status = case
        when u.valid_records + judged.valid + u.error_records + judged.error < u.total_records then u.status
        when u.error_records + judged.error = 0 then 'completed'
        when u.valid_records + judged.valid = 0 then 'failed'
        else 'partial'
    end,
    processing_completed_at = case
        when u.valid_records + judged.valid + u.error_records + judged.error = u.total_records then now()
    end,
    last_progress_at = now()
from unnest(%(uploads)s::text[], %(valid)s::int[], %(error)s::int[]) as judged (upload_id, valid, error)
where u.upload_id = judged.upload_id and u.status = 'processing'
returning u.upload_id, u.status
