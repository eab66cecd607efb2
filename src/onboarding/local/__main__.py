"""`python -m onboarding.local`: the local engine in the foreground, without the command line around it.

What was under way when it stopped is left to the watchdog; `onboarding local up` brings it back at once.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from onboarding.local.endpoints import DEFAULT_STATE
from onboarding.local.stack import run_until_stopped

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Run the pipeline on this machine until stopped.")
    parser.add_argument("--state", type=Path, default=DEFAULT_STATE)
    parser.add_argument("--port", type=int)
    options = parser.parse_args()
    raise SystemExit(run_until_stopped(options.state, options.port, lambda found: print(found.aws_endpoint_url)))
