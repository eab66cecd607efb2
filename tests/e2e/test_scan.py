"""`make scan` fails if the vulnerability list is not available."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.paths import ROOT

UNREACHABLE = 'echo "ConnectionError: no route to the list" >&2; exit 1'
VULNERABILITY = 'echo "Found 1 known vulnerability in 1 package"; exit 1'
NOT_AUDITED = 'echo "Dependency not found and could not be audited: x"'


def scan(directory: Path, pip_audit: str, **environment: str) -> tuple[int, str]:
    """Return the script's exit code and output, with scanners without findings and this pip-audit."""
    scanners = directory / ".venv-scan" / "bin"
    scanners.mkdir(parents=True)
    for name in ("checkov", "bandit", "detect-secrets-hook", "pip-audit"):
        text = pip_audit if name == "pip-audit" else "true"
        (scanners / name).write_text(f"#!/bin/sh\n{text}\n")
        (scanners / name).chmod(0o755)
    (directory / "tools").mkdir()
    shutil.copy(ROOT / "tools" / "scan.sh", directory / "tools" / "scan.sh")
    subprocess.run(["git", "init", "--quiet", str(directory)], check=True)
    parent_environment = {name: value for name, value in os.environ.items() if name != "ONBOARDING_SCAN_OFFLINE"}
    result = subprocess.run(
        [str(directory / "tools" / "scan.sh")],
        env=parent_environment | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return result.returncode, result.stdout


def test_scan_without_findings_passes(tmp_path: Path) -> None:
    code, output = scan(tmp_path, "true")
    assert code == 0
    assert "SKIPPED" not in output


@pytest.mark.parametrize("pip_audit", [UNREACHABLE, NOT_AUDITED], ids=["unreachable", "not-audited"])
def test_scan_without_vulnerability_list_fails_unless_offline(tmp_path: Path, pip_audit: str) -> None:
    code, output = scan(tmp_path / "online", pip_audit)
    assert (code, "FAILED requirements-lambda.lock" in output) == (1, True)
    code, output = scan(tmp_path / "offline", pip_audit, ONBOARDING_SCAN_OFFLINE="1")
    assert (code, output.count("SKIPPED")) == (0, 2)


def test_scan_offline_known_vulnerability_fails(tmp_path: Path) -> None:
    code, output = scan(tmp_path, VULNERABILITY, ONBOARDING_SCAN_OFFLINE="1")
    assert (code, "Found 1 known vulnerability" in output) == (1, True)
