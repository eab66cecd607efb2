-- name: get_webhook
-- Return the webhook of the current vendor.
select url, secret, created_at, updated_at from webhooks where vendor_id = current_vendor()

-- name: list_webhooks
-- List the webhooks of all vendors.
select vendor_id, url, secret from webhooks order by vendor_id

-- name: upsert_webhook
-- Insert or update the webhook of a vendor. `replace` replaces an existing secret.
insert into webhooks (vendor_id, url, secret)
values (%(vendor_id)s, %(url)s, %(secret)s)
on conflict (vendor_id) do update
set url = excluded.url,
    secret = case when %(replace)s then excluded.secret else webhooks.secret end,
    updated_at = now()
returning url, secret, created_at, updated_at

-- name: delete_webhook
-- Delete the webhook of the current vendor.
delete from webhooks where vendor_id = current_vendor()

-- name: count_webhook_tests
-- Count the test messages that the current vendor requested within the window.
select count(*)
from audit_log
where vendor_id = current_vendor() and action = 'webhook_tested' and at > now() - %(window)s::interval
