insert into webhooks (vendor_id, url, secret)
values (%(vendor_id)s, %(url)s, %(secret)s)
on conflict (vendor_id) do update
set url = excluded.url,
    secret = case when %(replace)s then excluded.secret else webhooks.secret end,
    updated_at = now()
returning url, secret, created_at, updated_at
