-- What was said of its rows, or never will be: the failure queues keep a batch for 14 days, and nothing else brings one
-- back later. The rows of other uploads go as soon as all was said.
delete from held_rows h
using upload_history u
where u.upload_id = h.upload_id and u.processing_completed_at < now() - interval '15 days'
