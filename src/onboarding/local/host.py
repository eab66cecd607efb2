"""The process that the engine runs in. It ends with whoever started it, and takes its workers along.

Its standard input is a pipe that the starter holds open. When that closes, however the starter ended, this kills its
own process group: the engine and every worker process that it started.
"""

from __future__ import annotations

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
    sys.argv = ["ministack"]
    runpy.run_module("ministack", run_name="__main__")
