-- The held rows of files whose result has been published for longer than the stream brings an event again (12 hours).
delete from held_rows h
using upload_history u
where u.upload_id = h.upload_id and u.notified_at < now() - interval '1 day'
