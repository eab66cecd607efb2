select 1 from sign_in_links where link_sha256 = %(link)s and used_at is null and expires_at > now()
