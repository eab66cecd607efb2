-- Vendors with what they have in the catalog and how good their files were in 90 days.
select
    v.vendor_id, v.vendor_name, v.email, v.phone, v.status, v.created_at,
    (select count(*) from products p where p.vendor_id = v.vendor_id),
    coalesce(u.uploads, 0), coalesce(u.total, 0), coalesce(u.valid, 0),
    -- Rounded down: 100 means all of them.
    floor(1000.0 * u.valid / nullif(u.total, 0)) / 10, u.last_upload
from (
    select *
    from vendors
    where (%(vendor_id)s::text is null or vendor_id = %(vendor_id)s)
      and (%(after)s::text is null or vendor_id > %(after)s)
      and (
          %(search)s::text is null
          or position(lower(%(search)s) in lower(concat_ws(' ', vendor_id, vendor_name, email))) > 0
      )
    order by vendor_id
    limit %(limit)s
) v
left join lateral (
    select count(*) as uploads, sum(total_records) as total, sum(valid_records) as valid,
        max(upload_timestamp) as last_upload
    from upload_history h
    where h.vendor_id = v.vendor_id and upload_timestamp > now() - interval '90 days' and status <> 'processing'
) u on true
order by v.vendor_id
