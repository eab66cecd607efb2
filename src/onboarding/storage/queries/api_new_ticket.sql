-- A new ticket; or the one that this idempotency key has, whose time begins anew if it ran out.
insert into upload_tickets (ticket_id, vendor_id, file_name, s3_key, options, idempotency_key, expires_at)
values (
    %(ticket_id)s, %(vendor_id)s, %(file_name)s, %(s3_key)s, %(options)s::jsonb, %(idempotency_key)s,
    now() + %(age)s::interval
)
on conflict on constraint upload_tickets_once do update
set expires_at = case
    when upload_tickets.expires_at > now() + interval '1 minute' then upload_tickets.expires_at
    else excluded.expires_at
end
returning ticket_id, file_name, s3_key, options, expires_at
