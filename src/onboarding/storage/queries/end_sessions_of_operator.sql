update sessions set ended_at = now()
from operators
where operators.operator_id = sessions.operator_id and lower(operators.email) = lower(%(email)s)
  and sessions.ended_at is null and sessions.expires_at > now()
