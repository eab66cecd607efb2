select key_id, name, scopes, created_at, created_by, expires_at, revoked_at, last_used_at
from api_keys
where vendor_id = %(vendor_id)s
order by created_at desc, key_id
