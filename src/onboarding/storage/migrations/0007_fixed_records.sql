-- The number of rejected rows of an upload that other uploads have accepted; an upload that was undone accepts none.
-- It changes only when an upload that corrects others is finished or undone. A trigger counts again then, because the
-- previous version of a function may finish the upload. To count in each list would read every corrected row.
alter table upload_history add column fixed_records integer not null default 0;

create function count_fixed_records() returns trigger language plpgsql as $$
begin
    -- The transaction holds the lock of the vendor, so that no other one counts the same rows.
    update upload_history u
    set fixed_records = (
        select count(distinct k.corrected_row)
        from row_corrections k
        join upload_history f on f.upload_id = k.upload_id and f.status <> 'processing' and f.undone_at is null
        where k.corrected_upload_id = u.upload_id
          and not exists (
            select from validation_errors e where e.upload_id = k.upload_id and e.row_number = k.row_number
        )
    )
    where u.upload_id in (select k.corrected_upload_id from row_corrections k where k.upload_id = new.upload_id);
    return null;
end
$$;

create trigger upload_history_count_fixed_records after update of status, undone_at on upload_history
    for each row
    when (
        new.parent_upload_id is not null
        and (old.status <> new.status or old.undone_at is distinct from new.undone_at)
    )
    execute function count_fixed_records();
