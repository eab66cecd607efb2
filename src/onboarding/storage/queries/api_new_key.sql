insert into api_keys (key_id, vendor_id, name, key_sha256, scopes, created_by, expires_at)
values (
    %(key_id)s, %(vendor_id)s, %(name)s, %(key)s, %(scopes)s::text[], %(created_by)s,
    now() + %(days)s * interval '1 day'
)
returning key_id, name, scopes, created_at, created_by, expires_at, revoked_at, last_used_at
