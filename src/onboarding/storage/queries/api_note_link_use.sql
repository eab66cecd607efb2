insert into link_uses (s3_key, vendor_id, outcome, ip, user_agent)
values (%(s3_key)s, %(vendor_id)s, %(outcome)s, %(ip)s, %(user_agent)s)
