select min(revoked_at) from revoked_links where s3_key = any(%(keys)s::text[])
