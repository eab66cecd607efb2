"""The REST API: one module of routes per resource.

A request passes `middleware` (host, size, headers, log), `auth` (API key or session → `Principal`) and the route, which
runs database work through `database.DatabasePool` with the rights of the principal. Errors become problem documents
(`errors`).
"""
