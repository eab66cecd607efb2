-- Finished uploads that nobody was told of, longest first. Each time that one was announced in vain the wait for the next
-- time doubles, up to a third of a day: those that cannot be told of must not keep the others waiting.
select upload_id, vendor_id
from upload_history
where status <> 'processing' and notified_at is null
  and coalesce(announced_at, processing_completed_at) <= now() - %(patience)s::interval * 2 ^ least(announcements, 6)
order by coalesce(announced_at, processing_completed_at)
limit %(limit)s
