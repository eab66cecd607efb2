"""docs/api.md has every path and problem of the API, and its example works."""

from __future__ import annotations

import os
import re
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from onboarding.web.errors import PROBLEM_TYPES
from tests.support.api_clients import browser, new_key, signed_in
from tests.support.running_pipeline import Pipeline

Paths = dict[str, dict[str, dict[str, Any]]]

TEXT = (Path(__file__).parents[3] / "docs" / "api.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def document(pipeline: Pipeline) -> Paths:
    with browser(pipeline) as client:
        paths: Paths = client.get("/v1/openapi.json").json()["paths"]
    return paths


def test_page_lists_every_operation_under_its_tag(document: Paths) -> None:
    sections = re.findall(r"^### (.*?)\n(.*?)(?=^##|\Z)", TEXT, re.MULTILINE | re.DOTALL)
    listed = [(tag, *operation) for tag, text in sections for operation in re.findall(r"`([A-Z]+) (/v1/[^`]*)`", text)]
    assert sorted(listed) == sorted(
        (operation["tags"][0], method.upper(), path)
        for path, methods in document.items()
        for method, operation in methods.items()
    )


def test_page_lists_the_fields_of_requests(pipeline: Pipeline) -> None:
    with browser(pipeline) as client:
        document = client.get("/v1/openapi.json").json()
    listed = re.findall(r"`(PUT|POST|PATCH) (/v1/[^`]*)` \(((?:`\w+`(?:, )?)+)\)", TEXT)
    assert listed
    for method, path, fields in listed:
        body = document["paths"][path][method.lower()]["requestBody"]["content"]["application/json"]["schema"]
        schema = document["components"]["schemas"][body["$ref"].rpartition("/")[2]]
        assert re.findall(r"\w+", fields) == list(schema["properties"]), path


def test_page_lists_every_problem_with_its_status() -> None:
    problems = re.findall(r"^\| `/problems/([a-z-]+)` \| (\d+) \|", TEXT, re.MULTILINE)
    assert dict(problems) == {kind: str(status) for kind, (status, _) in PROBLEM_TYPES.items()}


def test_example_works_as_printed(pipeline: Pipeline, tmp_path: Path) -> None:
    with closing(signed_in(pipeline, "contact@techgear.com")) as client:
        key = new_key(client, "uploads:read", "uploads:write")["key"]
    script = "\n".join(BLOCKS)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "PORTAL": pipeline.endpoints.portal_url,
        "KEY": key,
    }
    result = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stderr + result.stdout
    assert '"status":"partial"' in (tmp_path / "upload.json").read_text()
    assert "free" in (tmp_path / "fix.csv").read_text()
    assert '"error_records":0' in result.stdout, "the corrected file is valid"
    assert '"removed":1' in result.stdout
