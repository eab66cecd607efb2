"""docs/api.md says what the API does: the same addresses, the same problems, and a walk that works as printed."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from onboarding.web.errors import KINDS
from tests.support.api_clients import browser, forget_requests
from tests.support.running_pipeline import Pipeline

Paths = dict[str, dict[str, dict[str, Any]]]

TEXT = (Path(__file__).parents[3] / "docs" / "api.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def document(pipeline: Pipeline) -> Paths:
    with browser(pipeline) as client:
        paths: Paths = client.get("/v1/openapi.json").json()["paths"]
    return paths


def test_docs_list_every_route_of_the_api_description(
    document: Paths,
) -> None:
    printed = re.findall(r"^\| `([A-Z]+) (/v1/[^`]*)` \|", TEXT, re.MULTILINE)
    assert len(printed) == len(set(printed))
    assert set(printed) == {(method.upper(), path) for path, methods in document.items() for method in methods}


def test_docs_list_routes_under_their_tag(document: Paths) -> None:
    sections = dict(re.findall(r"^### (.*?)\n(.*?)(?=^##|\Z)", TEXT, re.MULTILINE | re.DOTALL))
    for path, methods in document.items():
        for method, operation in methods.items():
            assert f"| `{method.upper()} {path}` |" in sections[operation["tags"][0]]


def test_docs_list_every_problem_type_with_its_status() -> None:
    printed = re.findall(r"^\| `/problems/([a-z-]+)` \| (\d+) \|", TEXT, re.MULTILINE)
    assert dict(printed) == {kind: str(status) for kind, (status, _) in KINDS.items()}


def test_docs_walkthrough_works(pipeline: Pipeline, tmp_path: Path) -> None:
    forget_requests(pipeline)
    script = "\n".join(BLOCKS)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "PORTAL": pipeline.endpoints.portal_url,
        "INBOX": pipeline.endpoints.inbox_dir,
    }
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    assert '"status":"partial"' in (tmp_path / "upload.json").read_text()
    assert "free" in (tmp_path / "fix.csv").read_text()
    assert '"error_records":0' in done.stdout, "the mended file is good"
    assert '"removed":1' in done.stdout
