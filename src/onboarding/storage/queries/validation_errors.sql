-- name: insert_validation_errors
-- Insert errors in their order. Errors that exist already are unchanged.
insert into validation_errors (
    upload_id, vendor_id, row_number, vendor_product_id, error_type, error_field, error_message, original_data,
    mapped_data, rejected_value, expected, hint
)
select
    error ->> 'upload_id', error ->> 'vendor_id', (error ->> 'row_number')::integer, error ->> 'vendor_product_id',
    error ->> 'error_type', error ->> 'error_field', error ->> 'error_message', error -> 'original_data',
    error -> 'mapped_data', nullif(error ->> 'rejected_value', ''), error ->> 'expected', error ->> 'hint'
from jsonb_array_elements(%(errors)s::jsonb) with ordinality as errors (error, position)
order by position
on conflict on constraint validation_errors_row_field_key do nothing

-- name: list_validation_errors
-- List a page of the errors of an upload, by row. Every condition except the upload is optional.
select
    error_id, row_number, vendor_product_id, error_type, error_field as "column", error_message as message,
    rejected_value as value, expected, hint, original_data as row
from validation_errors
where upload_id = %(upload_id)s
  and (row_number, error_id) > (%(after_row)s, %(after_id)s)
  and (%(error_type)s::text is null or error_type = %(error_type)s)
  and (%(column)s::text is null or %(column)s = any(string_to_array(error_field, ', ')))
  and (%(value)s::text is null or coalesce(rejected_value, '') = %(value)s)
  and (
    %(group)s::bigint is null
    -- The errors of the group of `list_error_groups` that contains this error.
    or exists (
        select from validation_errors sample
        where sample.error_id = %(group)s and sample.upload_id = %(upload_id)s
          and (sample.error_type, sample.error_field) = (validation_errors.error_type, validation_errors.error_field)
          and coalesce(sample.rejected_value, '') = coalesce(validation_errors.rejected_value, '')
          and (coalesce(sample.rejected_value, '') <> '' or sample.error_message = validation_errors.error_message)
    )
  )
order by row_number, error_id
limit %(limit)s

-- name: list_error_groups
-- List the errors of an upload by type, field and value (without a value: by message), most frequent first.
-- `groups` is the number of groups. `list_validation_errors` must group errors in the same way.
select
    error_type, error_field as field, coalesce(rejected_value, '') as value, min(error_message) as message,
    min(expected) as expected, min(hint) as hint, count(*) as rows, min(row_number) as first_row,
    min(error_id) as first_error, count(*) over () as groups
from validation_errors
where upload_id = %(upload_id)s
group by error_type, error_field, rejected_value, case when coalesce(rejected_value, '') = '' then error_message end
order by count(*) desc, min(row_number), min(error_id)
limit %(limit)s

-- name: get_validation_error
-- Return an error of an upload.
select
    error_type, error_field as field, error_message as message, coalesce(rejected_value, '') as value, expected, hint
from validation_errors
where upload_id = %(upload_id)s and error_id = %(error_id)s

-- name: list_rejected_row_numbers
-- List the numbers of the rows of an upload that have errors.
select distinct row_number from validation_errors where upload_id = %(upload_id)s

-- name: list_report_errors
-- List the errors of an upload, each with the cells of its row in these columns.
select
    row_number, error_type, error_field as field, error_message as message, coalesce(rejected_value, '') as value,
    expected, hint,
    array(
        select original_data ->> name
        from unnest(%(columns)s::text[]) with ordinality as report (name, position)
        order by position
    ) as cells
from validation_errors
where upload_id = %(upload_id)s
order by row_number, error_id

-- name: count_unprocessed_rows
-- Count the rows of an upload that were not processed because it was ended.
select count(*) from validation_errors where upload_id = %(upload_id)s and error_type = 'NOT_PROCESSED'

-- name: list_top_errors
-- List the most frequent errors among the latest `max_errors` errors.
-- The limit bounds the query's time. Grouping twice avoids the sort that `count(distinct …)` needs.
with latest as (
    select error_type, error_field, vendor_id, upload_id
    from validation_errors
    where created_at > now() - %(days)s * interval '1 day'
    order by created_at desc
    limit %(max_errors)s
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
select
    error_type, error_field as "column", sum(errors)::bigint as errors, sum(uploads)::bigint as uploads,
    count(*) as vendors
from by_vendor
group by error_type, error_field
order by errors desc, error_type, error_field
limit 20
