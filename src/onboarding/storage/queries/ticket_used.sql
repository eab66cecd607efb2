-- The upload that took the file of this key's ticket, if another version than this one did; only a ticket's key has one.
select u.upload_id
from upload_tickets t
join upload_history u on u.s3_key = t.s3_key
where t.s3_key = %(s3_key)s
  and u.s3_version_id <> %(s3_version_id)s
  and u.failure_code is distinct from 'UPLOAD_SESSION_USED'
limit 1
