-- name: insert_row_corrections
-- Insert which rejected rows of its parent an upload corrects, and which rows of other uploads these rows correct.
with direct as (
    select * from unnest(%(rows)s::int[], %(corrected_rows)s::int[]) as line (row_number, corrected_row)
)
insert into row_corrections (upload_id, row_number, corrected_upload_id, corrected_row)
select %(upload_id)s, row_number, %(parent)s::text, corrected_row from direct
union
select %(upload_id)s, direct.row_number, earlier.corrected_upload_id, earlier.corrected_row
from direct
join row_corrections earlier on earlier.upload_id = %(parent)s and earlier.row_number = direct.corrected_row
on conflict do nothing

-- name: list_rejected_rows
-- List rejected rows of an upload by their number, each with its values, errors, draft and state.
-- Every condition except the upload is optional.
select
    r.row_number, r.is_valid, r.is_editable, r.state, r.correcting_upload_id, r.draft, r.revision, r.updated_by,
    r.updated_at, r.submitted_s3_key, first.original_data as values_in_file, first.mapped_data as mapped_values,
    (
        select json_agg(json_build_object(
            'error_type', error_type, 'field', error_field, 'message', error_message,
            'value', coalesce(rejected_value, ''), 'expected', expected, 'hint', hint
        ) order by error_id)
        from validation_errors e
        where e.upload_id = r.upload_id and e.row_number = r.row_number
    ) as errors
from rejected_rows r
join validation_errors first on first.error_id = r.first_error_id
where r.upload_id = %(upload_id)s
  and r.row_number > %(after)s
  and (%(row_numbers)s::int[] is null or r.row_number = any(%(row_numbers)s))
  and (%(state)s::text is null or r.state = %(state)s)
  and (%(has_draft)s::boolean is null or (r.draft is not null) = %(has_draft)s)
  and (%(is_valid)s::boolean is null or r.is_valid = %(is_valid)s)
  and (%(submitted_s3_key)s::text is null or r.submitted_s3_key = %(submitted_s3_key)s)
order by r.row_number
limit %(limit)s

-- name: count_rejected_rows
-- Count the rejected rows of an upload by the state of their correction.
-- `drafts` are open rows with a draft, `valid` and `not_editable` open rows of these kinds.
select
    count(*) filter (where state = 'open') as open,
    count(*) filter (where state = 'importing') as importing,
    count(*) filter (where state = 'fixed') as fixed,
    count(*) filter (where state = 'rejected_again') as rejected_again,
    count(*) filter (where state = 'open' and draft is not null) as drafts,
    count(*) filter (where state = 'open' and is_valid) as valid,
    count(*) filter (where state = 'open' and not is_editable) as not_editable
from rejected_rows
where upload_id = %(upload_id)s

-- name: count_open_rows_of_groups
-- Count the open rows of each group of errors that `list_error_groups` forms, by the id of the group.
with grouped_errors as (
    select
        row_number, error_id, error_type, error_field, hint,
        case
            when error_type <> all(%(identity_types)s)
                and count(*) over (partition by error_type, error_field, coalesce(rejected_value, '')) > 1
                then nullif(rejected_value, '')
        end as group_value
    from validation_errors
    where upload_id = %(upload_id)s
)
select
    (min(array[e.row_number, e.error_id]))[2] as group_id,
    count(*) filter (where r.state = 'open') as open,
    count(*) filter (where r.state = 'open' and r.draft is not null) as drafts,
    count(*) filter (where r.state = 'open' and r.is_editable) as editable,
    bool_or(starts_with(e.hint, 'Did you mean ')) as has_suggestions
from grouped_errors e
-- `offset 0` looks each row up: the planner expects few rows in a new upload, and would compare all rows with each other.
cross join lateral (
    select v.state, v.draft, v.is_editable
    from rejected_rows v
    where v.upload_id = %(upload_id)s and v.row_number = e.row_number
    offset 0
) r
group by e.error_type, e.error_field, e.group_value

-- name: list_correcting_uploads
-- List the uploads that correct rows of an upload, with the numbers of these rows, oldest first.
-- `accepted` counts rows that the upload accepted, if it is finished and was not undone.
select u.upload_id, u.file_name, u.status, u.undone_at, count(distinct k.corrected_row) as rows,
    count(distinct k.corrected_row) filter (
        where u.status <> 'processing' and u.undone_at is null and not exists (
            select from validation_errors e where e.upload_id = k.upload_id and e.row_number = k.row_number
        )
    ) as accepted
from row_corrections k
join upload_history u on u.upload_id = k.upload_id
where k.corrected_upload_id = %(upload_id)s
group by u.upload_id
order by u.upload_timestamp, u.upload_id

-- name: list_fixed_rows
-- List the rows of its parent that an upload has accepted, unless it was undone.
select distinct k.corrected_row
from row_corrections k
join upload_history u on u.upload_id = k.upload_id and u.status <> 'processing' and u.undone_at is null
where k.upload_id = %(upload_id)s
  and k.corrected_upload_id = u.parent_upload_id
  and not exists (select from validation_errors e where e.upload_id = k.upload_id and e.row_number = k.row_number)
order by k.corrected_row

-- name: lock_corrections
-- Lock the corrections of an upload until the transaction ends.
select pg_advisory_xact_lock(hashtextextended('corrections ' || %(upload_id)s::text, 3))

-- name: save_corrections
-- Insert or replace drafts.
insert into corrections as existing (upload_id, row_number, vendor_id, cells, updated_by)
select %(upload_id)s, (draft ->> 'row_number')::integer, %(vendor_id)s, draft -> 'cells', %(updated_by)s
from jsonb_array_elements(%(drafts)s::jsonb) as drafts (draft)
on conflict on constraint corrections_pk do update
set cells = excluded.cells,
    revision = nextval('correction_revisions'),
    updated_by = excluded.updated_by,
    updated_at = now(),
    submitted_s3_key = null
returning row_number, revision

-- name: delete_corrections
-- Delete the drafts of these rows of an upload.
delete from corrections where upload_id = %(upload_id)s and row_number = any(%(row_numbers)s::int[])

-- name: mark_corrections_submitted
-- Set the key of the file with which rows are submitted, for the open rows whose drafts have these revisions. Rows
-- without a draft (revision 0) get one without cells.
insert into corrections as existing (upload_id, row_number, vendor_id, cells, updated_by, submitted_s3_key)
select r.upload_id, r.row_number, %(vendor_id)s, '{}', %(updated_by)s, %(submitted_s3_key)s::text
from rejected_rows r
join unnest(%(row_numbers)s::int[], %(revisions)s::int[]) as ready (row_number, revision)
    on ready.row_number = r.row_number and ready.revision = coalesce(r.revision, 0)
where r.upload_id = %(upload_id)s and r.state = 'open'
on conflict on constraint corrections_pk do update set submitted_s3_key = excluded.submitted_s3_key

-- name: find_pending_submission
-- Return the key of a submitted file of an upload from which no upload exists yet, and the number of its rows.
select submitted_s3_key, count(*) as rows
from rejected_rows
where upload_id = %(upload_id)s
  and state = 'importing'
  and submitted_s3_key is not null
  and not exists (select from upload_history u where u.s3_key = submitted_s3_key)
group by submitted_s3_key
order by submitted_s3_key
limit 1
