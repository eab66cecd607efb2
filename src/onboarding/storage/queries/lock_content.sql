-- Two events with the same bytes of one vendor are opened one after the other.
select pg_advisory_xact_lock(hashtextextended(%(vendor_id)s::text || ' ' || %(content_sha256)s::text, 1))
