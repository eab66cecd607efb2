insert into sign_in_links (link_sha256, vendor_id, operator_id, expires_at)
values (%(link)s, %(vendor_id)s, %(operator_id)s, now() + %(age)s::interval)
