select key_id, name, scopes, created_at, created_by, expires_at, revoked_at, last_used_at
from api_keys
where vendor_id = current_vendor()
order by created_at desc, key_id
