"""Recovery of the uploads that were processing at the last stop of the local stack.

The emulator loses its tables, queues, streams and notifications when it stops.
"""

from __future__ import annotations

import re
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from onboarding.local.delivered_emails import read_mails
from onboarding.notifications.email import restore_claims
from onboarding.pipeline.recovery import (
    RecoveryAction,
    ingest_missed_objects,
    list_recently_notified,
    reopen_unsent_notifications,
    resume_stalled_uploads,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from onboarding.runtime import AppContext

NO_PATIENCE = timedelta(0)
"""Nothing is processing at the start, so every upload without a result has stalled."""


def bring_back(ctx: AppContext, inbox: Path) -> Iterator[RecoveryAction | Exception]:
    """Resume every upload without a result, and repeat the notifications whose e-mails were lost.

    Yields a failure with a note of its subject, and continues: the watchdog tries again.
    """
    parts = (
        ("lost e-mails", partial(_repeat_lost_emails, ctx, inbox)),
        ("uploads in progress", partial(resume_stalled_uploads, ctx, patience=NO_PATIENCE, limit=None)),
        ("objects without an upload", partial(ingest_missed_objects, ctx, patience=NO_PATIENCE, seconds=None)),
    )
    for name, part in parts:
        try:
            yield from part()
        except ExceptionGroup as faults:
            yield from faults.exceptions
        except Exception as fault:  # noqa: BLE001 - yielded, and the next part runs
            fault.add_note(name)
            yield fault


def _repeat_lost_emails(ctx: AppContext, inbox: Path) -> list[RecoveryAction]:
    """Record the e-mails in the inbox as sent, and repeat the notifications of all other recent uploads."""
    matches = (re.search(r"^Upload ID: (\S+)", mail.text, re.MULTILINE) for mail in read_mails(inbox))
    delivered = {match[1] for match in matches if match}
    restore_claims(ctx, delivered.intersection(list_recently_notified(ctx, NO_PATIENCE)))
    return reopen_unsent_notifications(ctx, NO_PATIENCE)
