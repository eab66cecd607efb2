-- A ticket, and the newest upload of its file if that was opened.
select t.ticket_id, t.file_name, t.s3_key, t.options, t.expires_at, u.upload_id
from upload_tickets t
left join lateral (
    select upload_id from upload_history where s3_key = t.s3_key order by upload_timestamp desc limit 1
) u on true
where t.ticket_id = %(ticket_id)s and t.vendor_id = current_vendor()
