-- The upload by which this vendor gave us the same bytes for the same purpose within a day. One of which nothing was
-- accepted (refused files are among them), and one that was undone, cancelled or ended by our fault does not count: the
-- vendor is right to upload the file again.
select upload_id, file_name, upload_timestamp
from upload_history u
where vendor_id = %(vendor_id)s
  and content_sha256 = %(content_sha256)s
  and mode = %(mode)s
  and on_error = %(on_error)s
  and upload_timestamp between %(upload_timestamp)s - interval '24 hours' and %(upload_timestamp)s + interval '24 hours'
  and upload_id <> %(upload_id)s
  and status <> 'failed'
  and undone_at is null
  and not exists (
    select from validation_errors e where e.upload_id = u.upload_id and e.error_type in ('NOT_PROCESSED', 'CANCELLED')
  )
order by upload_timestamp desc
limit 1
