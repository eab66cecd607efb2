-- Who may sign in by this address; the same address may stand for several.
select vendor_id, null::integer as operator_id, vendor_name as name, email
from vendors
where lower(email) = %(email)s
union all
select null, operator_id, name, email
from operators
where lower(email) = %(email)s and status = 'active'
order by vendor_id nulls first
limit 10
