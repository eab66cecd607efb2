-- A vendor is added once; the same again makes a suspended one active and takes the new name and address.
insert into vendors (vendor_id, vendor_name, email, phone)
values (%(vendor_id)s, %(vendor_name)s, %(email)s, %(phone)s)
on conflict (vendor_id) do update
set vendor_name = excluded.vendor_name, email = excluded.email, phone = excluded.phone, status = 'active'
