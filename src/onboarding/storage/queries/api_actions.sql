select action_id, at, actor, vendor_id, action, subject, ip, detail
from actions
where action_id < %(before)s and (%(vendor_id)s::text is null or vendor_id = %(vendor_id)s)
order by action_id desc
limit %(limit)s
