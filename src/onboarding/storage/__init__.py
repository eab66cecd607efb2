"""Repositories of PostgreSQL, and their queries."""
