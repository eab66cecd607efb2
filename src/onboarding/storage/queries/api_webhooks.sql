select vendor_id, url, secret from webhooks order by vendor_id
