"""Dump of a release's database with uploads in progress.

`python -m tests.support.released_databases.make` writes the dump of this release.

A file stays as it was written. `test_states` restores each, migrates it, and finishes its uploads.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from onboarding import __version__
from onboarding.domain.models import Mode, OnError
from onboarding.local.postgres import Postgres, installed
from onboarding.local.processes import Ports
from onboarding.storage.database import Database, migrate, open_connection
from tests.support.postgres_fixtures import database_at, judged, open_upload, product_row

FOLDER = Path(__file__).parent

CREATED, CHANGED, HALF, WHOLE = (f"UPLOAD_20241221_103045_{name}" for name in ("created", "changed", "half", "whole"))
"""Two finished uploads, and two in progress: one whose rows stand for themselves, one that enters as a whole."""


def fill(database: Database) -> None:
    """Make products, a change of one, and uploads of which some rows wait."""
    open_upload(database, CREATED, 3)
    judged(database, *(product_row(str(n), n, upload_id=CREATED) for n in (1, 2, 3)))
    open_upload(database, CHANGED, 1, mode=Mode.UPDATE)
    judged(database, product_row("1", 1, upload_id=CHANGED, price="5.00"))
    open_upload(database, HALF, 4)
    judged(database, *(product_row(f"half-{n}", n, upload_id=HALF, price=p) for n, p in ((1, "1.00"), (2, "0"))))
    open_upload(database, WHOLE, 3, on_error=OnError.REJECT_FILE)
    judged(database, product_row("whole-1", 1, upload_id=WHOLE))


def dump(url: str) -> str:
    """Return the database as statements that any client can run."""
    options = ("--no-owner", "--inserts", "--rows-per-insert=100", "--no-comments")
    program = installed() / "bin" / "pg_dump"
    made = subprocess.run([program, *options, url], capture_output=True, text=True, check=True)
    lines = [line for line in made.stdout.splitlines() if line and not line.startswith(("--", "\\"))]
    return "\n".join(lines) + "\n"


def main() -> None:
    with TemporaryDirectory() as directory:
        state = Path(directory)
        state.chmod(0o711)
        postgres = Postgres(state, Ports(state / "ports.json").choose("postgres"))
        postgres.start(lambda: None)
        try:
            with open_connection(postgres.url) as connection:
                migrate(connection)
            database = database_at(postgres.url)
            fill(database)
            database.close()
            (FOLDER / f"{__version__}.sql").write_text(dump(postgres.url), encoding="utf-8")
        finally:
            postgres.stop()


if __name__ == "__main__":
    main()
