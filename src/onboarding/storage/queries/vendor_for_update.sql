select vendor_name, email, phone, status from vendors where vendor_id = %(vendor_id)s for update
