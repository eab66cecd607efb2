"""PostgreSQL: connection, migrations, and a repository module for each aggregate."""
