insert into revoked_links (s3_key, vendor_id, revoked_by)
values (%(s3_key)s, %(vendor_id)s, %(revoked_by)s)
on conflict do nothing
