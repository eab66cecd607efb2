update api_keys set revoked_at = coalesce(revoked_at, now()) where key_id = %(key_id)s and vendor_id = %(vendor_id)s
