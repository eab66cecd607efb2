-- The vendor's uploads whose undo had to leave products as they were, the newest first.
select u.upload_id
from upload_history u
where u.vendor_id = %(vendor_id)s and u.undone_at is not null and u.upload_id <> %(upload_id)s
  and exists (select from undo_kept k where k.upload_id = u.upload_id)
order by u.upload_timestamp desc, u.upload_id desc
