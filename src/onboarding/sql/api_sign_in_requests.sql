select count(*) from sign_in_requests where subject = %(subject)s and at > now() - %(window)s::interval
