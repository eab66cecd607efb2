"""The log of requests: JSON lines as the functions write them. No path, no header, no body: those hold secrets."""

from __future__ import annotations

from aws_lambda_powertools.logging import Logger

logger = Logger(utc=True)
