-- name: insert_audit_entry
-- Insert an entry of the audit log.
insert into audit_log (actor, vendor_id, action, subject, ip, detail)
values (%(actor)s, %(vendor_id)s, %(action)s, %(subject)s, %(ip)s, %(detail)s::jsonb)

-- name: list_audit_entries
-- List a page of the audit log, newest first; of one vendor if its id is given.
select entry_id, at, actor, vendor_id, action, subject, ip, detail
from audit_log
where entry_id < %(before)s and (%(vendor_id)s::text is null or vendor_id = %(vendor_id)s)
order by entry_id desc
limit %(limit)s
