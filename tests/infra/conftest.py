"""Fixtures of an empty AWS account: the AWS emulator without the pipeline, and a separate database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from onboarding.local.aws_emulator import AwsEmulator
from onboarding.local.postgres import DATABASE, USER, Postgres
from onboarding.local.processes import HOST, Ports
from onboarding.local.smtp_inbox import Inbox


@dataclass(frozen=True, slots=True)
class Account:
    """An empty account of the AWS emulator, and the PostgreSQL that replaces RDS."""

    emulator: AwsEmulator
    postgres: Postgres
    inbox: Path

    def client(self, service: str) -> Any:
        return self.emulator.client(service)

    @property
    def credentials(self) -> dict[str, str | int]:
        """Return the content of the secret ecommerce/rds/credentials."""
        return {
            "username": USER,
            "password": self.postgres.password,
            "host": HOST,
            "port": self.postgres.port,
            "dbname": DATABASE,
        }


@contextmanager
def empty_account(state: Path) -> Iterator[Account]:
    """Run an empty account with its files in a state directory, and yield it."""
    ports = Ports(state / "ports.json")
    postgres = Postgres(state, ports.choose("postgres"))
    inbox = Inbox(state / "inbox")
    emulator = AwsEmulator(state, ports.choose("emulator"), inbox.port, {"LAMBDA_ASYNC_RETRY_BASE_SECONDS": "1"})
    try:
        postgres.start(lambda: None)
        inbox.start()
        emulator.spawn()
        emulator.wait_ready(lambda: None)
        yield Account(emulator, postgres, inbox.directory)
    finally:
        emulator.stop()
        inbox.stop()
        postgres.stop()


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Account]:
    with empty_account(tmp_path) as empty:
        yield empty
