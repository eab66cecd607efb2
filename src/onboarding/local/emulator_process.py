"""The process that the AWS emulator runs in. It ends with the process that started it, and ends its workers.

Its standard input is a pipe that the starter holds open. When that closes, however the starter ended, this kills its
own process group: the emulator and every worker process that it started. Its arguments are the
hosts that it answers, separated by commas, and the portal's origin if there is a portal.
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


def _end_with_starter() -> None:
    while os.read(0, 1024):
        pass
    os.killpg(os.getpgrp(), signal.SIGKILL)


def _patch_emulator(hosts: str, origin: str | None = None) -> None:
    """Change the emulator's modules before they serve the first request."""
    dynamodb, lambda_svc, s3, ses, sns = (
        import_module(f"ministack.services.{name}") for name in ("dynamodb", "lambda_svc", "s3", "ses", "sns")
    )
    emulator_patches.speed_up_items(dynamodb)
    emulator_patches.bound_memory(lambda_svc, dynamodb)
    emulator_patches.list_any_key(s3)
    emulator_patches.report_unstored_objects(s3)
    emulator_patches.report_undelivered_mail(ses)
    emulator_patches.retry_notifications(sns, lambda_svc)
    bound_stream_retries(lambda_svc, dynamodb)
    server = import_module("ministack.app")
    server.app = RequestFilter(server.app, hosts.split(","), origin)  # type: ignore[attr-defined]


if __name__ == "__main__":
    threading.Thread(target=_end_with_starter, name="end-with-starter", daemon=True).start()
    # The emulator holds every item and stream record in memory; to look through all of them for cycles after each few
    # thousand new ones would take a fifth of its time.
    gc.set_threshold(100_000, 20, 100)
    _patch_emulator(*sys.argv[1:])
    sys.argv = ["ministack"]
    runpy.run_module("ministack", run_name="__main__")
