"""PostgreSQL: repositories, their queries, and the migrations."""
