update sessions set ended_at = now() where session_sha256 = %(session)s and ended_at is null
