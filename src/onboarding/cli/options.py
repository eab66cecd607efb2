"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from onboarding.local.endpoints import DEFAULT_STATE

State = Annotated[
    Path | None,
    typer.Option(
        "--state",
        envvar="ONBOARDING_STATE",
        help="The local engine's state directory.",
        show_default=str(DEFAULT_STATE),
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead, and nothing else.")]
