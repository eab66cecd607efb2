select status from vendors where vendor_id = %(vendor_id)s
