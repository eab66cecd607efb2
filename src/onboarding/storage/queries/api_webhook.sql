select url, secret, created_at, updated_at from webhooks where vendor_id = current_vendor()
