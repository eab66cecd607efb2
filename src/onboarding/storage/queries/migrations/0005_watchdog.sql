-- How often, and when last, the watchdog staged an upload's rows anew.
alter table upload_history
    add column redrives    integer not null default 0,
    add column redriven_at timestamptz;
