select count(*)
from actions
where vendor_id = current_vendor() and action = 'webhook_tested' and at > now() - %(window)s
