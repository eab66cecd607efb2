-- As if they had been used.
update sign_in_links set used_at = now() where vendor_id = %(vendor_id)s and used_at is null
