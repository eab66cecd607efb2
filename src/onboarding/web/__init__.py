"""Web application: REST API and portal."""
