-- Of the latest errors alone, so that it takes no longer where there are many. Twice grouped: to count what differs in
-- one go would sort them.
with latest as (
    select error_type, error_field, vendor_id, upload_id
    from validation_errors
    where created_at > now() - %(days)s * interval '1 day'
    order by created_at desc
    limit %(latest)s
),
by_upload as (
    select error_type, error_field, vendor_id, upload_id, count(*) as errors
    from latest
    group by error_type, error_field, vendor_id, upload_id
),
by_vendor as (
    select error_type, error_field, vendor_id, sum(errors) as errors, count(*) as uploads
    from by_upload
    group by error_type, error_field, vendor_id
)
select error_type, error_field, sum(errors)::bigint, sum(uploads)::bigint, count(*)
from by_vendor
group by error_type, error_field
order by 3 desc, error_type, error_field
limit 20
