-- Our values of a rejected row where a mapping changed the vendor's values in `original_data`, with null for no value.
-- Errors without it were recorded by an earlier version: their rows can be corrected by file only.
alter table validation_errors add column mapped_data jsonb;

-- The rejected rows of all uploads, with their drafts and the state of their correction:
--   open            it may be corrected
--   importing       it was submitted, or a fix file with it is in processing
--   fixed           another upload has accepted it
--   rejected_again  another upload has rejected it, and it is corrected there
-- Rows that an upload has not validated, because it was cancelled or ended, correct none.
-- `is_valid`: a valid row of an all-or-nothing file. `is_editable`: its values are known by column.
create view rejected_rows with (security_invoker) as
select
    e.upload_id, e.row_number, e.first_error_id, e.is_valid, e.is_editable, c.cells as draft, c.revision, c.updated_by,
    c.updated_at, c.submitted_s3_key, fix.upload_id as correcting_upload_id,
    case
        when fix.is_accepted then 'fixed'
        when fix.status = 'processing' then 'importing'
        when fix.upload_id is not null then 'rejected_again'
        when c.submitted_s3_key is not null
            and not exists (select from upload_history u where u.s3_key = c.submitted_s3_key)
            then 'importing'
        else 'open'
    end as state
from (
    select upload_id, row_number, min(error_id) as first_error_id, bool_and(error_type = 'FILE_REJECTED') as is_valid,
        not bool_or(mapped_data is null or error_type in ('FIELD_COUNT_MISMATCH', 'CANCELLED', 'NOT_PROCESSED'))
            as is_editable
    from validation_errors
    group by upload_id, row_number
) e
left join corrections c on c.upload_id = e.upload_id and c.row_number = e.row_number
left join lateral (
    select k.upload_id, u.status, not is_rejected and u.status <> 'processing' as is_accepted
    from row_corrections k
    join upload_history u on u.upload_id = k.upload_id and u.undone_at is null
    cross join lateral (
        select count(*) > 0 as is_rejected,
            coalesce(bool_or(again.error_type in ('CANCELLED', 'NOT_PROCESSED')), false) as is_unprocessed
        from validation_errors again
        where again.upload_id = k.upload_id and again.row_number = k.row_number
    ) outcome
    where k.corrected_upload_id = e.upload_id and k.corrected_row = e.row_number and not is_unprocessed
    order by not is_rejected and u.status <> 'processing' desc, u.status = 'processing' desc, u.upload_timestamp desc
    limit 1
) fix on true;

grant select on rejected_rows to onboarding_vendor, onboarding_operator;
