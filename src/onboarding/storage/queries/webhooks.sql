-- name: get_webhook
-- Return the webhook of the current vendor.
select url, secret, created_at, updated_at from webhooks where vendor_id = current_vendor()

-- name: list_webhooks
-- List the webhooks of all vendors and of the marketplace, whose owner is null.
select vendor_id, url, secret from webhooks
union all
select null, url, secret from marketplace_webhook

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

-- name: get_marketplace_webhook
-- Return the webhook of the marketplace.
select url, secret, created_at, updated_at from marketplace_webhook

-- name: upsert_marketplace_webhook
-- Insert or update the webhook of the marketplace. `replace` replaces an existing secret.
insert into marketplace_webhook (url, secret)
values (%(url)s, %(secret)s)
on conflict (singleton) do update
set url = excluded.url,
    secret = case when %(replace)s then excluded.secret else marketplace_webhook.secret end,
    updated_at = now()
returning url, secret, created_at, updated_at

-- name: delete_marketplace_webhook
-- Delete the webhook of the marketplace.
delete from marketplace_webhook

-- name: count_marketplace_webhook_tests
-- Count the test messages that operators requested within the window.
select count(*)
from audit_log
where vendor_id is null and action = 'webhook_tested' and at > now() - %(window)s::interval
