"""Repositories: rules and statements, one module for each aggregate."""
