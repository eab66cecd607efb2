"""`python -m tools.diagrams`: draw every diagram, with the schema of a temporary PostgreSQL server."""

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
    """Write the files of docs/diagrams."""
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
