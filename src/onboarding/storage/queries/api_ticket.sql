-- A ticket, and the upload of its file if that was opened; not one of a file that was put there later.
select t.ticket_id, t.file_name, t.s3_key, t.options, t.expires_at, u.upload_id
from upload_tickets t
left join lateral (
    select upload_id
    from upload_history
    where s3_key = t.s3_key
    order by failure_code is not distinct from 'UPLOAD_SESSION_USED', upload_timestamp
    limit 1
) u on true
where t.ticket_id = %(ticket_id)s and t.vendor_id = current_vendor()
