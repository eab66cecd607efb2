"""Options shared by several commands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from onboarding.domain.models import Mode, OnError
from onboarding.local.endpoints import DEFAULT_STATE

State = Annotated[
    Path | None,
    typer.Option(
        "--state",
        envvar="ONBOARDING_STATE",
        help="State directory of the local stack.",
        show_default=str(DEFAULT_STATE),
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
ModeOption = Annotated[
    Mode, typer.Option("--mode", help="Create new products, update existing ones, or both (upsert).")
]
OnErrorOption = Annotated[
    OnError, typer.Option("--on-error", help="Reject only invalid rows, or all rows if any is invalid.")
]
ForceOption = Annotated[bool, typer.Option("--force", help="Accept content that was uploaded within 24 hours.")]
