-- name: insert_vendor
-- Insert a vendor, unless the id exists.
insert into vendors (vendor_id, vendor_name, email, phone)
values (%(vendor_id)s, %(vendor_name)s, %(email)s, %(phone)s)
on conflict do nothing

-- name: update_vendor
-- Update the columns of a vendor whose parameters are not null.
update vendors
set vendor_name = coalesce(%(vendor_name)s, vendor_name),
    email = coalesce(%(email)s, email),
    phone = coalesce(%(phone)s, phone),
    status = coalesce(%(status)s, status)
where vendor_id = %(vendor_id)s

-- name: lock_vendor
-- Lock and return a vendor.
select vendor_name, email, phone, status from vendors where vendor_id = %(vendor_id)s for update

-- name: lock_vendors
-- Lock vendors until the transaction ends, so that one batch at a time is validated for each vendor.
-- Two batches of one vendor with the same vendor product ids would deadlock on the unique keys. The caller sorts the
-- vendors, so that batches of several vendors do not deadlock either.
select pg_advisory_xact_lock(hashtextextended(vendor_id, 0))
from unnest(%(vendors)s::text[]) as vendor_id

-- name: get_vendor_status
-- Return the status of a vendor.
select status from vendors where vendor_id = %(vendor_id)s

-- name: list_vendors
-- List all vendors, each with its number of uploads.
select v.vendor_id, v.vendor_name, v.email, v.status,
       (select count(*) from upload_history h where h.vendor_id = v.vendor_id) as uploads
from vendors v
order by v.vendor_id

-- name: list_vendors_with_quality
-- List a page of vendors with the size of their catalog and the quality of their files in the last 90 days.
-- `rows` and those derived from it are those of uploads that correct no other one.
select
    v.vendor_id, v.vendor_name, v.email, v.phone, v.status, v.created_at,
    (select count(*) from products p where p.vendor_id = v.vendor_id) as products,
    coalesce(u.uploads, 0) as uploads, coalesce(u.total, 0) as rows, coalesce(u.valid, 0) as valid_rows,
    coalesce(u.fixed, 0) as fixed_rows,
    -- Rounded down, so that 100 means all rows.
    floor(1000.0 * u.valid / nullif(u.total, 0)) / 10 as quality,
    floor(1000.0 * (u.valid + u.fixed) / nullif(u.total, 0)) / 10 as quality_after_fixing, u.last_upload_at
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
    select count(*) as uploads, sum(total_records) filter (where parent_upload_id is null) as total,
        sum(valid_records) filter (where parent_upload_id is null) as valid,
        sum(fixed_records) filter (where parent_upload_id is null) as fixed, max(upload_timestamp) as last_upload_at
    from upload_history h
    where h.vendor_id = v.vendor_id and upload_timestamp > now() - interval '90 days' and status <> 'processing'
) u on true
order by v.vendor_id

-- name: list_vendor_quality
-- List the vendors with the lowest quality of files in the last 90 days.
-- Uploads that correct others are not counted, nor products, which is the most expensive part of
-- `list_vendors_with_quality`.
select
    q.vendor_id, v.vendor_name, q.total as rows, q.valid as valid_rows,
    -- Rounded down, so that 100 means all rows.
    floor(1000.0 * q.valid / q.total) / 10 as quality,
    floor(1000.0 * (q.valid + q.fixed) / q.total) / 10 as quality_after_fixing, q.fixed as fixed_rows
from (
    select vendor_id, sum(total_records) as total, sum(valid_records) as valid, sum(fixed_records) as fixed
    from upload_history
    where upload_timestamp > now() - interval '90 days' and status <> 'processing' and parent_upload_id is null
    group by vendor_id
    having sum(total_records) > 0
    order by sum(valid_records)::numeric / sum(total_records), vendor_id
    limit %(limit)s
) q
join vendors v using (vendor_id)
order by q.valid::numeric / q.total, q.vendor_id
