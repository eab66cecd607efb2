update sessions set ended_at = now() where vendor_id = %(vendor_id)s and ended_at is null and expires_at > now()
