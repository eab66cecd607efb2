insert into operators (email, name, role)
values (%(email)s, %(name)s, %(role)s)
on conflict ((lower(email))) do update set name = excluded.name, role = excluded.role, status = 'active'
