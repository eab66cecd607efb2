"""The request log: JSON lines like those of the functions, without paths, headers and bodies, which contain secrets."""

from __future__ import annotations

from aws_lambda_powertools.logging import Logger

logger = Logger(utc=True)
