update vendors
set vendor_name = coalesce(%(vendor_name)s, vendor_name),
    email = coalesce(%(email)s, email),
    phone = coalesce(%(phone)s, phone),
    status = coalesce(%(status)s, status)
where vendor_id = %(vendor_id)s
