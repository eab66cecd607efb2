insert into sessions (session_sha256, vendor_id, operator_id, expires_at)
values (%(session)s, %(vendor_id)s, %(operator_id)s, now() + %(age)s::interval)
returning expires_at
