"""The process that the engine runs in. It ends with whoever started it, and takes its workers along.

Its standard input is a pipe that the starter holds open. When that closes, however the starter ended, this kills its
own process group: the engine and every worker process that it started.
"""

from __future__ import annotations

import gc
import os
import runpy
import signal
import sys
import threading
from functools import lru_cache
from importlib import import_module
from typing import Any

from onboarding.local.stream_retries import bound_stream_retries


def _end_with_starter() -> None:
    while os.read(0, 1024):
        pass
    os.killpg(os.getpgrp(), signal.SIGKILL)


def _hasten(dynamodb: Any) -> None:
    """Spare the engine half of what it does with an item, for which it has no setting; no answer of ours changes."""
    # It weighs each item of a batch up to six times, for a bill that none of our calls asks for.
    dynamodb._accumulate_write_capacity = lambda *_: None  # noqa: SLF001 - see above
    # It reads each number of an item four times and weighs it twice; the same ones come again and again.
    for name in ("_ddb_canonicalize_number", "_number_error", "_number_size_bytes"):
        setattr(dynamodb, name, lru_cache(100_000)(getattr(dynamodb, name)))


if __name__ == "__main__":
    threading.Thread(target=_end_with_starter, name="end-with-starter", daemon=True).start()
    # The engine holds every item and stream record in memory; to look through all of them for cycles after each few
    # thousand new ones would take a fifth of its time.
    gc.set_threshold(100_000, 20, 100)
    _hasten(import_module("ministack.services.dynamodb"))
    bound_stream_retries(import_module("ministack.services.lambda_svc"), import_module("ministack.services.dynamodb"))
    sys.argv = ["ministack"]
    runpy.run_module("ministack", run_name="__main__")
