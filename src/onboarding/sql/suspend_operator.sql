update operators set status = 'suspended' where lower(email) = lower(%(email)s) returning email
