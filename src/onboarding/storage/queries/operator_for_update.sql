select name, role, status from operators where lower(email) = lower(%(email)s) for update
