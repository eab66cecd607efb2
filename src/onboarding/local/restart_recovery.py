"""Recovery of uploads that were processing when the local stack stopped.

The AWS emulator loses its tables, queues, streams and notifications when it stops.
"""

from __future__ import annotations

import re
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from onboarding.local.delivered_emails import read_emails
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
"""No upload is processing at the start, so every upload without a result has stalled."""


def recover_uploads(ctx: AppContext, inbox: Path) -> Iterator[RecoveryAction | Exception]:
    """Resume every upload without a result, and repeat the notifications whose e-mails were lost.

    Yield each action. An exception is yielded with its subject as a note, and the recovery continues: the watchdog
    tries again.
    """
    steps = (
        ("lost e-mails", partial(_repeat_lost_emails, ctx, inbox)),
        ("uploads in progress", partial(resume_stalled_uploads, ctx, patience=NO_PATIENCE, limit=None)),
        ("objects without an upload", partial(ingest_missed_objects, ctx, patience=NO_PATIENCE, seconds=None)),
    )
    for name, step in steps:
        try:
            yield from step()
        except ExceptionGroup as group:
            yield from group.exceptions
        except Exception as error:  # noqa: BLE001 - yielded, and the next step runs
            error.add_note(name)
            yield error


def _repeat_lost_emails(ctx: AppContext, inbox: Path) -> list[RecoveryAction]:
    """Record the e-mails in the inbox as sent, and repeat the notifications of all other recent uploads."""
    matches = (re.search(r"^Upload ID: (\S+)", email.text, re.MULTILINE) for email in read_emails(inbox))
    delivered = {match[1] for match in matches if match}
    restore_claims(ctx, delivered.intersection(list_recently_notified(ctx, NO_PATIENCE)))
    return reopen_unsent_notifications(ctx, NO_PATIENCE)
