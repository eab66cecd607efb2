"""Brings back what was under way when the engine stopped: it forgets its tables, queues, streams and notifications."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from onboarding.local.mails import read_mails
from onboarding.sql import statement
from onboarding.watchdog import Driven, drive, sweep

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from onboarding.context import Context

AT_ONCE = timedelta(0)
"""Nothing else is under way, so nothing has to be waited for."""


def bring_back(ctx: Context, inbox: Path) -> Iterator[Driven | Exception]:
    """Drive on every upload that did not end, and tell again of those whose mail was lost with the engine.

    Gives what could not be driven on as its fault, with a note of what it was about: the watchdog tries again.
    """
    found = (re.search(r"^Upload ID: (\S+)", mail.text, re.MULTILINE) for mail in read_mails(inbox))
    mailed = [match[1] for match in found if match]
    ctx.database.run(lambda connection: connection.execute(statement("forget_unsent"), {"mailed": mailed}))
    for driven in (drive(ctx, patience=AT_ONCE, at_once=None), sweep(ctx, patience=AT_ONCE, seconds=None)):
        try:
            yield from driven
        except ExceptionGroup as faults:
            yield from faults.exceptions
