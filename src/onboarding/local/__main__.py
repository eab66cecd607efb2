"""Program `python -m onboarding.local`: the local stack in the foreground, without the command line.

The watchdog resumes the uploads that were processing at the last stop; `onboarding local up` resumes them immediately.
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
    raise SystemExit(
        run_until_stopped(options.state, options.port, lambda endpoints: print(endpoints.aws_endpoint_url))
    )
