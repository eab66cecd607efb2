-- As if they had been used.
update sign_in_links set used_at = now()
from operators
where operators.operator_id = sign_in_links.operator_id and lower(operators.email) = lower(%(email)s)
  and sign_in_links.used_at is null
