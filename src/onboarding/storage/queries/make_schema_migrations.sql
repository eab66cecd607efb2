create table if not exists schema_migrations (
    name       text        not null primary key,
    number     integer     not null,
    checksum   text,
    applied_at timestamptz not null default now()
)
