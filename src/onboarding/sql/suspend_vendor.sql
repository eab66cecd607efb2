update vendors set status = 'suspended' where vendor_id = %(vendor_id)s returning vendor_id
