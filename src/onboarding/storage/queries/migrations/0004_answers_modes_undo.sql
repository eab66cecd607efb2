-- What a vendor is answered beside a message, what an upload may do to the catalog, and how that is taken back.

alter table validation_errors
    add column rejected_value text,
    add column expected       text not null default '',
    add column hint           text not null default '';

alter table upload_history
    add column fix_file_s3_key   varchar(500),
    add column content_sha256    char(64),
    add column mode              varchar(20) not null default 'create',
    add column on_error          varchar(20) not null default 'reject_rows',
    add column created_records   integer     not null default 0,
    add column updated_records   integer     not null default 0,
    add column unchanged_records integer     not null default 0,
    -- Valid rows that wait for the others of their file; they count as valid or not once all are judged.
    add column held_records      integer     not null default 0,
    add column undone_at         timestamptz,
    add column undo_removed      integer,
    add column undo_restored     integer;

update upload_history set created_records = valid_records;

alter table upload_history
    add constraint upload_history_mode_known check (mode in ('create', 'update', 'upsert')),
    add constraint upload_history_on_error_known check (on_error in ('reject_rows', 'reject_file')),
    add constraint upload_history_outcomes_add_up
        check (valid_records = created_records + updated_records + unchanged_records),
    add constraint upload_history_held_not_negative check (held_records >= 0),
    add constraint upload_history_held_within check (
        held_records = 0 or (status = 'processing' and valid_records + error_records + held_records <= total_records)
    ),
    add constraint upload_history_undone_when_finished check (undone_at is null or status <> 'processing'),
    add constraint upload_history_undo_counted
        check ((undone_at is null) = (undo_removed is null) and (undone_at is null) = (undo_restored is null));

-- Whether the same bytes came before.
create index upload_history_content on upload_history (vendor_id, content_sha256, upload_timestamp desc);

-- Rows that found their product there: what they did to it, and what it was before. New products name their upload
-- and row themselves. The product may be gone since, so nothing ties it to this table.
create table product_changes (
    upload_id    varchar(50) not null constraint product_changes_upload_fk references upload_history on delete cascade,
    row_number   integer     not null,
    product_id   integer     not null,
    kind         varchar(20) not null,
    before       jsonb,
    -- The product's `updated_at` as the change left it: a different one there says that something else came after.
    changed_at   timestamptz,
    -- The SKU that the product had and has no more; for the rest of this upload it counts as taken.
    released_sku varchar(100),
    constraint product_changes_pk primary key (upload_id, row_number),
    constraint product_changes_kind_known check (kind in ('updated', 'unchanged')),
    constraint product_changes_before_kept check ((kind = 'updated') = (before is not null and changed_at is not null))
);

create index product_changes_product on product_changes (product_id);
create index product_changes_released on product_changes (upload_id, released_sku) where released_sku is not null;

-- Valid rows of files that enter the catalog as a whole or not at all, until the last row of the file is judged.
create table held_rows (
    upload_id  varchar(50) not null constraint held_rows_upload_fk references upload_history on delete cascade,
    row_number integer     not null,
    vendor_id  varchar(50) not null,
    cells      jsonb       not null,
    constraint held_rows_pk primary key (upload_id, row_number)
);

-- What the undo of an upload left as it is, and why.
create table undo_kept (
    upload_id         varchar(50)  not null constraint undo_kept_upload_fk references upload_history on delete cascade,
    row_number        integer      not null,
    vendor_product_id varchar(100) not null,
    reason            text         not null,
    constraint undo_kept_pk primary key (upload_id, row_number)
);

-- Every change of a product moves `updated_at`, whoever makes it, unless it sets it itself: undo must see it.
create function products_touch() returns trigger language plpgsql as $$
begin
    if new.updated_at = old.updated_at then
        new.updated_at = clock_timestamp();
    end if;
    return new;
end
$$;

create trigger products_touched before update on products for each row execute function products_touch();
