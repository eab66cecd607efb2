update operators
set name = coalesce(%(name)s, name), role = coalesce(%(role)s, role), status = coalesce(%(status)s, status)
where lower(email) = lower(%(email)s)
