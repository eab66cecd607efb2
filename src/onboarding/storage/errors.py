"""Exceptions of the repositories."""

from __future__ import annotations


class InvalidInput(Exception):
    """A value violates a rule; the message states the rule."""


class AlreadyExists(Exception):
    """An object with this name or id exists already; the message names it."""


class NotFound(Exception):
    """The object does not exist; the message names it."""
