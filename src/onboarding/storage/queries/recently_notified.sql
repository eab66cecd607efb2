-- Uploads of the last day whose notification was published a while ago: each has its mail by now, or never gets it by itself.
-- After each attempt to publish it again the wait doubles; after six of them the mail stays in the failure queue.
select upload_id
from upload_history
where notified_at between now() - interval '1 day' and now() - %(patience)s::interval * 2 ^ announcements
  and announcements < 6
order by notified_at
