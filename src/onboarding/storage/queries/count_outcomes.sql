-- Move the counts of these uploads by what was newly judged. The one statement that makes valid + error = total also
-- sets the final status: there is no moment between, and no second time. Says of each upload how it stands, how many of
-- its rows are invalid, how many are held, and how many were not judged yet.
update upload_history u
set created_records = u.created_records + judged.created,
    updated_records = u.updated_records + judged.updated,
    unchanged_records = u.unchanged_records + judged.unchanged,
    valid_records = u.valid_records + judged.valid,
    error_records = u.error_records + judged.error,
    held_records = u.held_records + judged.held,
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
from (
    select *, created + updated + unchanged as valid
    from unnest(
        %(uploads)s::text[], %(created)s::int[], %(updated)s::int[], %(unchanged)s::int[], %(error)s::int[],
        %(held)s::int[]
    ) as counted (upload_id, created, updated, unchanged, error, held)
) as judged
where u.upload_id = judged.upload_id and u.status = 'processing'
returning
    u.upload_id, u.status, u.error_records, u.held_records,
    u.total_records - u.valid_records - u.error_records - u.held_records
