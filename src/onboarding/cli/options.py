"""Options that several commands share."""

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
        help="The local stack's state directory.",
        show_default=str(DEFAULT_STATE),
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead, and nothing else.")]
ModeOption = Annotated[Mode, typer.Option("--mode", help="What the file may do to the catalog.")]
OnErrorOption = Annotated[OnError, typer.Option("--on-error", help="Whether an invalid row keeps the others out.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Though the same content was uploaded within a day.")]
