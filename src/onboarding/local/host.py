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


def _end_with_starter() -> None:
    while os.read(0, 1024):
        pass
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    threading.Thread(target=_end_with_starter, name="end-with-starter", daemon=True).start()
    # The engine holds every item and stream record in memory; to look through all of them for cycles after each few
    # thousand new ones would take a fifth of its time.
    gc.set_threshold(100_000, 20, 100)
    sys.argv = ["ministack"]
    runpy.run_module("ministack", run_name="__main__")
