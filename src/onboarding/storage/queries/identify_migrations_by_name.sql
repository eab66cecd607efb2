-- Until now a number identified a migration, and `name` was the file's: 0009_patience.sql. Where a name is missing, the
-- number tells which one it was; 8 and 9 have been the same.
alter table schema_migrations drop constraint if exists schema_migrations_pkey;
alter table schema_migrations add column if not exists name text, add column checksum text;
update schema_migrations m
set name = known.name
from (
    values (1, 'five_tables'), (2, 'seed'), (3, 'reading'), (4, 'answers_modes_undo'), (5, 'watchdog'), (6, 'api'),
        (7, 'operators'), (8, 'patience'), (9, 'patience')
) as known (number, name)
where known.number = m.number and m.name is null;
update schema_migrations
set name = substring(name from '^[0-9]+_(.+)\.sql$')
where name ~ '^[0-9]+_.+\.sql$';
alter table schema_migrations alter column name set not null, add primary key (name);
