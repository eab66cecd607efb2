-- The vendors whose files were worst in 90 days. What they have in the catalog is not counted: that takes longest.
select
    q.vendor_id, v.vendor_name, q.total, q.valid,
    -- Rounded down: 100 means all of them.
    floor(1000.0 * q.valid / q.total) / 10
from (
    select vendor_id, sum(total_records) as total, sum(valid_records) as valid
    from upload_history
    where upload_timestamp > now() - interval '90 days' and status <> 'processing'
    group by vendor_id
    having sum(total_records) > 0
    order by sum(valid_records)::numeric / sum(total_records), vendor_id
    limit %(limit)s
) q
join vendors v using (vendor_id)
order by q.valid::numeric / q.total, q.vendor_id
