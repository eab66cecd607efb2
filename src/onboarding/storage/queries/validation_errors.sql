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
-- `group_members` are the errors with the type and field of the error `group`: its group and those of other values.
with group_members as (
    select
        error_id,
        case
            when error_type <> all(%(identity_types)s) and count(*) over (partition by rejected_value) > 1
                then rejected_value
        end as group_value
    from validation_errors
    where upload_id = %(upload_id)s
      and (error_type, error_field) = (
        select error_type, error_field
        from validation_errors
        where error_id = %(group)s and upload_id = %(upload_id)s
      )
)
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
    or error_id in (
        select error_id
        from group_members
        where group_value is not distinct from (select group_value from group_members where error_id = %(group)s)
    )
  )
order by row_number, error_id
limit %(limit)s

-- name: list_error_groups
-- List the errors of an upload by type, field and, for values of several rows, value; most frequent first.
-- The valid rows of an all-or-nothing file (FILE_REJECTED) are last, in addition to the limit. A text that differs in a
-- group is blank. `groups` is the number of groups without them. `list_validation_errors` and `summarize_errors` must
-- group errors in the same way.
with by_value as (
    select
        error_type, error_field, rejected_value as value, count(*) as rows,
        min(array[row_number, error_id]) as first,
        min(error_message collate "C") as message, max(error_message collate "C") as last_message,
        min(expected collate "C") as expected, max(expected collate "C") as last_expected,
        min(hint collate "C") as hint, max(hint collate "C") as last_hint
    from validation_errors
    where upload_id = %(upload_id)s
    group by error_type, error_field, rejected_value
),
error_groups as (
    select
        error_type, error_field as field, sum(rows)::bigint as rows, min(first) as first,
        count(value) as distinct_values,
        coalesce((array_agg(value order by first) filter (where value is not null))[:2], '{}') as examples,
        case when count(*) = 1 then coalesce(min(value), '') else '' end as value,
        case when min(message) = max(last_message) then min(message) else '' end as message,
        case when min(expected) = max(last_expected) then min(expected) else '' end as expected,
        case when min(hint) = max(last_hint) then min(hint) else '' end as hint
    from by_value
    group by error_type, error_field, case when rows > 1 and error_type <> all(%(identity_types)s) then value end
),
numbered_groups as (
    select
        *, row_number() over (order by error_type = 'FILE_REJECTED', rows desc, first) as position,
        count(*) filter (where error_type <> 'FILE_REJECTED') over () as groups
    from error_groups
)
select
    error_type, field, value, distinct_values, examples, message, expected, hint, rows, first[1] as first_row,
    first[2] as first_error, groups
from numbered_groups
where position <= %(limit)s or error_type = 'FILE_REJECTED'
order by position

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
