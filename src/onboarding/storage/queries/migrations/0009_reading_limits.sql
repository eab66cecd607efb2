-- Attempts to read an object that have not ended yet, or ended the function that made them.
create table read_attempts (
    s3_key        text        not null,
    s3_version_id text        not null,
    attempts      integer     not null default 1,
    begun_at      timestamptz not null default now(),
    constraint read_attempts_pk primary key (s3_key, s3_version_id)
);

-- The dry runs of the last day, by which the number of each vendor's is limited.
create table dry_runs (
    dry_run_id bigint generated always as identity constraint dry_runs_pk primary key,
    vendor_id  varchar(50) not null constraint dry_runs_vendor_fk references vendors,
    started_at timestamptz not null default clock_timestamp(),
    ended_at   timestamptz
);

create index dry_runs_vendor on dry_runs (vendor_id, started_at);

alter table dry_runs enable row level security;
create policy dry_runs_own on dry_runs to onboarding_vendor
    using (vendor_id = current_vendor()) with check (vendor_id = current_vendor());
grant select, insert, delete on dry_runs to onboarding_vendor;
grant update (ended_at) on dry_runs to onboarding_vendor;
