insert into vendors (vendor_id, vendor_name, email, phone)
values (%(vendor_id)s, %(vendor_name)s, %(email)s, %(phone)s)
on conflict do nothing
