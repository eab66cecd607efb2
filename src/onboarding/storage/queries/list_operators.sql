select email, name, role, status from operators order by email
