"""Draws every picture anew: `python -m tools.diagrams`. A PostgreSQL of its own tells the schema."""

from __future__ import annotations

import tempfile
from pathlib import Path

from onboarding.local.postgres import Postgres
from onboarding.local.processes import Ports
from onboarding.storage.database import open_connection
from onboarding.storage.migrate import migrate
from tools.diagrams import erd
from tools.diagrams.pictures import PICTURES

TARGET = Path("docs/diagrams")


def main() -> None:
    drawn = {name: picture() for name, picture in PICTURES.items()}
    with tempfile.TemporaryDirectory(prefix="onboarding-erd-") as directory:
        postgres = Postgres(Path(directory), Ports(Path(directory) / "ports.json").choose("postgres"))
        postgres.start(lambda: None)
        try:
            with open_connection(postgres.url) as connection:
                migrate(connection)
                drawn |= erd.pictures(connection)
        finally:
            postgres.stop()
    TARGET.mkdir(parents=True, exist_ok=True)
    for name, picture in drawn.items():
        (TARGET / f"{name}.svg").write_text(picture.svg(), encoding="utf-8")


if __name__ == "__main__":
    main()
