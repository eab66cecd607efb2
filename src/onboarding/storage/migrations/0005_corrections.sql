-- Corrections ---------------------------------------------------------------------------------------------------------

-- The upload whose rejected rows this upload corrects.
alter table upload_history add column parent_upload_id varchar(50);

-- Which rejected rows of earlier uploads the rows of an upload correct: those of its parent, and through it those of
-- the uploads that the parent corrects.
create table row_corrections (
    upload_id           varchar(50) not null
        constraint row_corrections_upload_fk references upload_history on delete cascade,
    row_number          integer     not null,
    corrected_upload_id varchar(50) not null
        constraint row_corrections_corrected_upload_fk references upload_history on delete cascade,
    corrected_row       integer     not null,
    constraint row_corrections_pk primary key (corrected_upload_id, corrected_row, upload_id, row_number)
);

create index row_corrections_upload on row_corrections (upload_id, row_number);

-- Revisions of drafts: each change has another one, also if a draft was deleted and created again.
create sequence correction_revisions as integer cycle;

-- Drafts: the changed cells of a rejected row, as the vendor writes them. No cells: the row is imported unchanged.
create table corrections (
    upload_id        varchar(50)  not null
        constraint corrections_upload_fk references upload_history on delete cascade,
    row_number       integer      not null,
    vendor_id        varchar(50)  not null constraint corrections_vendor_fk references vendors,
    cells            jsonb        not null,
    revision         integer      not null default nextval('correction_revisions'),
    updated_by       text         not null,
    updated_at       timestamptz  not null default now(),
    -- The key of the file with which the row was submitted.
    submitted_s3_key text,
    constraint corrections_pk primary key (upload_id, row_number)
);

-- Row-level security --------------------------------------------------------------------------------------------------

alter table corrections enable row level security;
alter table row_corrections enable row level security;

create policy corrections_of_vendor on corrections to onboarding_vendor
    using (vendor_id = current_vendor())
    with check (vendor_id = current_vendor() and exists (
        select from upload_history u where u.upload_id = corrections.upload_id and u.vendor_id = current_vendor()
    ));
create policy row_corrections_of_vendor on row_corrections to onboarding_vendor
    using (exists (
        select from upload_history u where u.upload_id = row_corrections.upload_id and u.vendor_id = current_vendor()
    ));

do $$
declare
    name text;
begin
    foreach name in array array['corrections', 'row_corrections'] loop
        execute format(
            'create policy %I on %I '
            'to onboarding_pipeline, onboarding_operator, onboarding_api, onboarding_report_link '
            'using (true) with check (true)',
            name || '_unrestricted', name
        );
        execute format('grant select on %I to onboarding_vendor, onboarding_operator', name);
    end loop;
end
$$;

grant select, insert on row_corrections to onboarding_pipeline;
grant usage on sequence correction_revisions to onboarding_vendor;
grant insert, delete on corrections to onboarding_vendor;
grant update (cells, revision, updated_by, updated_at, submitted_s3_key) on corrections to onboarding_vendor;
