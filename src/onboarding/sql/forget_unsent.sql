-- Uploads told of shortly before everything stopped, of which no mail is there: to be told of again.
update upload_history
set notified_at = null
where notified_at > (select max(notified_at) from upload_history) - interval '5 minutes'
  and upload_id <> all(%(mailed)s::text[])
returning upload_id
