"""PostgreSQL: connection, migrations, and one repository module for each aggregate."""
