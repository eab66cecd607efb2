"""Brings back what was under way when the engine stopped: it forgets its tables, queues, streams and notifications."""

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

AT_ONCE = timedelta(0)
"""Nothing else is under way, so nothing has to be waited for."""


def bring_back(ctx: AppContext, inbox: Path) -> Iterator[RecoveryAction | Exception]:
    """Drive on every upload that did not end, and notify again of those whose mail was lost with the engine.

    Gives each fault with a note of what it was about, and goes on: the watchdog tries again.
    """
    parts = (
        ("the mails that were sent", partial(_reopen_lost, ctx, inbox)),
        ("the uploads in progress", partial(resume_stalled_uploads, ctx, patience=AT_ONCE, limit=None)),
        ("the bucket's list", partial(ingest_missed_objects, ctx, patience=AT_ONCE, seconds=None)),
    )
    for name, part in parts:
        try:
            yield from part()
        except ExceptionGroup as faults:
            yield from faults.exceptions
        except Exception as fault:  # noqa: BLE001 - told, and the next part has its turn
            fault.add_note(name)
            yield fault


def _reopen_lost(ctx: AppContext, inbox: Path) -> list[RecoveryAction]:
    """Note the mails in the inbox as sent, which the engine has forgotten; all others were lost with it."""
    found = (re.search(r"^Upload ID: (\S+)", mail.text, re.MULTILINE) for mail in read_mails(inbox))
    mailed = {match[1] for match in found if match}
    restore_claims(ctx, mailed.intersection(list_recently_notified(ctx, AT_ONCE)))
    return reopen_unsent_notifications(ctx, AT_ONCE)
