select exists (select from revoked_links where s3_key = %(s3_key)s)
