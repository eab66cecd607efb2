select true
from pg_attribute
where attrelid = 'schema_migrations'::regclass and attname = 'checksum' and not attisdropped
