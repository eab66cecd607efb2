insert into schema_migrations (name, number, checksum) values (%(name)s, %(number)s, %(checksum)s)
