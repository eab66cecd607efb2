-- What the watchdog waits longer for each time: uploads that it has to announce again and again, and those whose driving
-- on fails. And how far its look through the bucket has come, if that takes more than one run.
alter table upload_history
    add column redrive_attempts integer not null default 0,
    add column announcements    integer not null default 0,
    add column announced_at     timestamptz;

create index upload_history_untold on upload_history (processing_completed_at)
    where notified_at is null and status <> 'processing';

create table sweep_position (
    is_the_only_one boolean not null default true constraint sweep_position_pk primary key,
    s3_key          text    not null,
    s3_version_id   text    not null,
    constraint sweep_position_once check (is_the_only_one)
);
