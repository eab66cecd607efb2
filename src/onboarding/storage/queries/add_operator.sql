insert into operators (email, name, role) values (%(email)s, %(name)s, %(role)s) on conflict do nothing
