"""Runs on the local stack: put many files, wait, and check the invariants."""

from __future__ import annotations

import os
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Self

from onboarding.config import Settings
from onboarding.local.delivered_emails import read_emails
from onboarding.local.emulator_patches import MAX_PROCESSED_ITEMS
from onboarding.local.restart_recovery import recover_uploads
from onboarding.local.stack import LocalStack
from onboarding.runtime import AppContext
from tests.faults import invariants
from tests.faults.simulation import violation
from tests.faults.upload_files import File, file_of
from tests.support.running_pipeline import Pipeline

ITEM_SECONDS = 30
"""How long an item may lag behind its upload: an item that was staged twice waits for a second batch."""

PARSERS_AT_ONCE = 8
"""Files that may wait for ingestion at the same time: the emulator starts a process for each."""


def files(uploads: int, rows: int, vendors: int, name: str, interval: int = 20) -> list[tuple[str, File]]:
    """Return keys and files; every `interval`th row is invalid, and all files of a vendor share their first SKUs."""
    keyed_files = []
    for number in range(uploads):
        vendor = f"{name}-{number % vendors:02d}"
        names = [f"{vendor}-shared-{n}" if n < 3 else f"{name}-{number}-{n}" for n in range(rows)]
        invalid = {n: n // interval % 5 for n in range(interval, rows + 1, interval)}
        keyed_files.append((f"uploads/{vendor}/file-{number}.csv", file_of(vendor, names, invalid)))
    return keyed_files


class StackRun:
    """Files put into a running local stack, and their uploads."""

    def __init__(self, local_stack: LocalStack, uploads: dict[str, File] | None = None) -> None:
        self.local_stack = local_stack
        self.pipeline = Pipeline(local_stack.endpoints)
        self.uploads = uploads if uploads is not None else {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.pipeline.connection.close()

    def put(self, keyed_files: Iterable[tuple[str, File]]) -> None:
        """Put files, at most `PARSERS_AT_ONCE` ahead of the ingestion."""
        for key, file in keyed_files:
            while self._count_waiting() >= PARSERS_AT_ONCE:
                time.sleep(0.02)
            source = self.pipeline.put_key(key, file.content)
            self.uploads[self.pipeline.upload_id(source)] = file

    def _count_waiting(self) -> int:
        return len(self.uploads) - self._count("true")

    def _count(self, condition: str) -> int:
        query = f"select count(*) from upload_history where upload_id = any(%s) and {condition}"  # noqa: S608
        row = self.pipeline.connection.execute(query, (list(self.uploads),)).fetchone()
        return int(row[0]) if row else 0

    def _count_outcomes(self) -> int:
        query = "select coalesce(sum(valid_records + error_records), 0) from upload_history where upload_id = any(%s)"
        row = self.pipeline.connection.execute(query, (list(self.uploads),)).fetchone()
        return int(row[0]) if row else 0

    def count_notified(self) -> int:
        """Return how many uploads are finished and notified."""
        return self._count("notified_at is not null")

    def wait(self, seconds: float, *, progress: float | None = None) -> bool:
        """Wait until all uploads are notified and have an e-mail.

        Return False after `progress` seconds without progress.
        """
        deadline, last, moved = time.monotonic() + seconds, (-1, -1, -1), time.monotonic()
        while time.monotonic() < deadline:
            notified = self.count_notified()
            now = (
                notified,
                len(self._list_emails_by_upload()) if notified == len(self.uploads) else -1,
                self._count_outcomes(),
            )
            if now[:2] == (len(self.uploads), len(self.uploads)):
                return True
            if now != last:
                last, moved = now, time.monotonic()
            if progress is not None and time.monotonic() - moved > progress:
                return False
            time.sleep(0.1)
        return False

    def count_uploads_with_email(self) -> int:
        """Return how many uploads have an e-mail."""
        return len(self._list_emails_by_upload())

    def count_uploads_with_two_emails(self) -> int:
        return sum(len(emails) > 1 for emails in self._list_emails_by_upload().values())

    def _list_emails_by_upload(self) -> dict[str, list[dict[str, Any]]]:
        emails: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for email in read_emails(Path(self.local_stack.endpoints.inbox_dir)):
            for line in email.text.splitlines():
                if (
                    line.startswith("Upload ID: ")
                    and (name := line.removeprefix("Upload ID: ").strip()) in self.uploads
                ):
                    text = email.text.replace("\r\n", "\n")
                    emails[name].append({"to": list(email.recipients), "subject": email.subject, "text": text})
        return emails

    def check(self, *, max_emails: int = 1, staged: bool = True) -> None:
        """Check the invariants of every upload, and the items of a few rows of each.

        With `staged`, all items must exist, unless there are more rows than the local stack stores.
        """
        outcome = invariants.outcome_of(self._table)
        emails = self._list_emails_by_upload()
        rows = sum(int(row["total_records"]) for row in outcome.history.values())
        # The local stack stores only the items of the newest rows.
        staged = staged and rows <= MAX_PROCESSED_ITEMS
        for upload_id, file in self.uploads.items():
            if upload_id not in outcome.history:
                raise violation("every file of a vendor is in the history", upload_id)
            invariants.check_upload(outcome, upload_id, file)
            row, errors = outcome.history[upload_id], outcome.errors[upload_id]
            if errors:
                invariants.check_report(self._object(row["error_file_s3_key"]), errors)
                invariants.check_fix_files(row, errors, self._object)
            self._check_items(upload_id, row["total_records"], errors, staged=staged)
            if not 1 <= len(emails[upload_id]) <= max_emails:
                raise violation("one e-mail for each upload", upload_id, len(emails[upload_id]))
            for email in emails[upload_id]:
                invariants.check_email(email, row, f"{file.vendor_id.lower()}@vendors.example")

        query = "select deadlocks from pg_stat_database where datname = current_database()"
        if (deadlocks := self.pipeline.connection.execute(query).fetchall()) != [(0,)]:
            raise violation("no deadlock arises", deadlocks)

    def _check_items(self, upload_id: str, total: int, errors: Mapping[int, object], *, staged: bool) -> None:
        """Check the items of the first row, the last row and some invalid rows."""
        for number in {1, total, *sorted(errors)[:3]}:
            expected = "error" if number in errors else "validated"
            deadline = time.monotonic() + ITEM_SECONDS
            while (item := self.pipeline.item(upload_id, number)) or staged:
                if item and item["status"]["S"] == expected:
                    break
                if time.monotonic() > deadline:
                    raise violation("items have the status of their outcome", upload_id, number, item, expected)
                time.sleep(0.1)

    def _table(self, name: str, order: str) -> invariants.Table:
        query = f"select to_jsonb(t) from {name} t where upload_id = any(%s) order by {order}"  # noqa: S608
        rows = self.pipeline.connection.execute(query, (list(self.uploads),))
        return [row for (row,) in rows]

    def _object(self, key: str) -> bytes:
        response = self.pipeline.s3.get_object(Bucket=self.local_stack.endpoints.bucket, Key=key)
        content: bytes = response["Body"].read()
        return content


@contextmanager
def environment(values: Mapping[str, str]) -> Any:
    """Set environment variables during the block."""
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def run_watchdog(local_stack: LocalStack) -> int:
    """Run the watchdog as after a restart; return how many uploads it resumed."""
    with environment(local_stack.endpoints.environment()), closing(AppContext(Settings.from_environment())) as ctx:
        return len(list(recover_uploads(ctx, Path(local_stack.endpoints.inbox_dir))))


def create_vendors(load: StackRun, keyed_files: Sequence[tuple[str, File]]) -> None:
    for vendor in {file.vendor_id for _, file in keyed_files}:
        load.pipeline.vendor(vendor)


def processor_time(pid: int) -> int | None:
    """Return the CPU time of a process in kernel ticks; None if it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return None
    return int(fields[11]) + int(fields[12])


def children(pid: int) -> list[int]:
    """Return the descendants of a process, nearest first."""
    parents: dict[int, list[int]] = defaultdict(list)
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            parents[int(stat.rsplit(")", 1)[1].split()[1])].append(int(entry.name))
    descendants, unvisited = [], [pid]
    while unvisited:
        direct = parents[unvisited.pop()]
        descendants += direct
        unvisited += direct
    return descendants


class MemoryMonitor:
    """Monitor of the peak resident memory of the processes of a run, in MB by kind."""

    def __init__(self, local_stack: LocalStack) -> None:
        self.peaks: dict[str, float] = defaultdict(float)
        self.workers = 0
        self._local_stack = local_stack
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(0.25):
            emulator, postgres = self._local_stack.emulator, self._local_stack.postgres
            if not (emulator and emulator.process and postgres and postgres.process):
                continue
            workers = children(emulator.process.pid)
            self.workers = max(self.workers, len(workers))
            self._record_peak("harness and inbox", [os.getpid()])
            self._record_peak("emulator", [emulator.process.pid])
            self._record_peak("largest worker", workers)
            self._record_peak("largest PostgreSQL process", [postgres.process.pid, *children(postgres.process.pid)])

    def _record_peak(self, kind: str, processes: Sequence[int]) -> None:
        for pid in processes:
            try:
                status = Path(f"/proc/{pid}/status").read_text()
            except OSError:
                continue
            for line in status.splitlines():
                if line.startswith("VmHWM:"):
                    self.peaks[kind] = max(self.peaks[kind], int(line.split()[1]) / 1024)
