insert into actions (actor, vendor_id, action, subject, ip, detail)
values (%(actor)s, %(vendor_id)s, %(action)s, %(subject)s, %(ip)s, %(detail)s::jsonb)
