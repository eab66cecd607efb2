-- Two requests at once must count each other.
select pg_advisory_xact_lock(hashtextextended('dry runs of ' || %(vendor_id)s, 0))
