"""Process of the AWS emulator, which ends with its parent process.

The parent keeps a pipe to the standard input open. When the pipe closes, the process kills its process group: the
emulator and all its workers. The arguments are the hosts that it responds to, separated by commas, and the portal's
origin if there is a portal.
"""

from __future__ import annotations

import gc
import os
import runpy
import signal
import sys
import threading
from importlib import import_module

from onboarding.local import emulator_patches
from onboarding.local.request_filter import RequestFilter
from onboarding.local.stream_retries import bound_stream_retries


def _kill_group_at_end_of_input() -> None:
    while os.read(0, 1024):
        pass
    os.killpg(os.getpgrp(), signal.SIGKILL)


def _patch_emulator(hosts: str, origin: str | None = None) -> None:
    """Patch the emulator's modules before they serve the first request."""
    dynamodb, lambda_svc, s3, ses, sns = (
        import_module(f"ministack.services.{name}") for name in ("dynamodb", "lambda_svc", "s3", "ses", "sns")
    )
    emulator_patches.speed_up_items(dynamodb)
    emulator_patches.bound_memory(lambda_svc, dynamodb)
    emulator_patches.list_any_key(s3)
    emulator_patches.report_unstored_objects(s3)
    emulator_patches.report_undelivered_emails(ses)
    emulator_patches.retry_notifications(sns, lambda_svc)
    bound_stream_retries(lambda_svc, dynamodb)
    server = import_module("ministack.app")
    server.app = RequestFilter(server.app, hosts.split(","), origin)  # type: ignore[attr-defined]


if __name__ == "__main__":
    threading.Thread(target=_kill_group_at_end_of_input, name="end-with-parent", daemon=True).start()
    # The emulator keeps all items and stream records in memory. With the default threshold, garbage collection would
    # take a fifth of its time.
    gc.set_threshold(100_000, 20, 100)
    _patch_emulator(*sys.argv[1:])
    sys.argv = ["ministack"]
    runpy.run_module("ministack", run_name="__main__")
