-- One judgement at a time for each vendor, held to the end of the transaction: two batches of one vendor that share
-- vendor product ids would deadlock on the unique keys. The caller gives the vendors in order.
select pg_advisory_xact_lock(hashtextextended(vendor_id, 0))
from unnest(%(vendors)s::text[]) as vendor_id
