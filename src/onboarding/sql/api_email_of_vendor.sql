select email from vendors where vendor_id = %(vendor_id)s for update
