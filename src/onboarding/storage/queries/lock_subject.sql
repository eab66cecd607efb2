-- Until the transaction ends, no other one counts what this subject did: statements after this one see all that was counted.
select pg_advisory_xact_lock(hashtextextended(%(subject)s, 2))
