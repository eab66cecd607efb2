"""Failpoints: named points in the code, each after an effect that cannot be reverted.

They do nothing in production. The fault tests install a listener that raises an exception or ends the process at a
failpoint, to show that the retry completes the work.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum


class Failpoint(StrEnum):
    """Names of the failpoints: module, and the effect that has happened."""

    CANCEL_ROWS_ENDED = "cancel.rows_ended"
    CORRECTIONS_FILE_WRITTEN = "corrections.file_written"
    CORRECTIONS_MARKED = "corrections.marked"
    EDIT_FILE_WRITTEN = "edit.file_written"
    EDIT_SESSION_OPENED = "edit.session_opened"
    EMAIL_CLAIMED = "email.claimed"
    EMAIL_MARKED = "email.marked"
    EMAIL_SENT = "email.sent"
    EXPORT_CLAIMED = "export.claimed"
    EXPORT_COMPLETED = "export.completed"
    EXPORT_FILE_WRITTEN = "export.file_written"
    EXPORT_PAGE_WRITTEN = "export.page_written"
    FINALIZE_FIX_FILE_WRITTEN = "finalize.fix_file_written"
    FINALIZE_FIX_WORKBOOK_WRITTEN = "finalize.fix_workbook_written"
    FINALIZE_MARKED = "finalize.marked"
    FINALIZE_PUBLISHED = "finalize.published"
    FINALIZE_READ_ATTEMPT_STARTED = "finalize.read_attempt_started"
    FINALIZE_READ_ATTEMPTS_DELETED = "finalize.read_attempts_deleted"
    FINALIZE_REPORT_WRITTEN = "finalize.report_written"
    FINALIZE_SEARCH_REFRESHED = "finalize.search_refreshed"
    INGEST_COMPLETION_SENT = "ingest.completion_sent"
    INGEST_HISTORY_OPENED = "ingest.history_opened"
    INGEST_QUARANTINE_PUBLISHED = "ingest.quarantine_published"
    INGEST_READ_ATTEMPT_STARTED = "ingest.read_attempt_started"
    INGEST_READ_ATTEMPTS_DELETED = "ingest.read_attempts_deleted"
    INGEST_STAGED = "ingest.staged"
    RECOVERY_MARKED = "recovery.marked"
    RECOVERY_POSITION_SAVED = "recovery.position_saved"
    STAGING_ROWS_WRITTEN = "staging.rows_written"
    STAGING_STATUSES_WRITTEN = "staging.statuses_written"
    VALIDATE_COMMITTED = "validate.committed"
    VALIDATE_COMPLETIONS_SENT = "validate.completions_sent"
    VALIDATE_ERRORS_SENT = "validate.errors_sent"
    VALIDATE_HELD_ROWS_DELETED = "validate.held_rows_deleted"
    VALIDATE_STATUSES_WRITTEN = "validate.statuses_written"
    VALIDATE_UNPROCESSABLE_STORED = "validate.unprocessable_stored"


_listener: Callable[[Failpoint], None] | None = None


def failpoint(name: Failpoint) -> None:
    """Call the listener, if there is one, with the name of the effect that has happened."""
    if _listener is not None:
        _listener(name)


def set_listener(listener: Callable[[Failpoint], None] | None) -> None:
    """Call `listener` at every failpoint from now on; None removes it."""
    global _listener  # noqa: PLW0603 - a process has one listener
    _listener = listener
