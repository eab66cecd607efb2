select at, s3_key, outcome, ip, user_agent
from link_uses
where s3_key = any(%(keys)s::text[])
order by use_id desc
limit 100
