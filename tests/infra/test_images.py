"""Tests of the functions' image: programs of its base, tags, and a single build of the same content."""

from __future__ import annotations

import re
from pathlib import Path

import boto3
import pytest
from botocore.stub import Stubber

from onboarding.deploy import images
from onboarding.deploy.plan import BASE_IMAGE
from tests.support.paths import ROOT

BASE = "registry.example/python@sha256:" + "0" * 64

PROGRAMS_OF_BASE = {"cd", "python3", "cp", "rm", "chmod", "mkdir", "mv"}
"""Python, coreutils and built-in commands of the shell. AWS's base has neither `find` nor `sed`."""


def test_dockerfile_uses_only_programs_of_its_base() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line.removeprefix("RUN ").strip() for line in text.splitlines() if line.startswith("RUN ")]
    assert len(lines) > 1
    for line in lines:
        # Shell form, or exec form (a JSON list).
        commands = [line.strip('[]"').split('"')[0]] if line.startswith("[") else re.split(r"&&|\|\|?|;", line)
        assert {command.split()[0] for command in commands} <= PROGRAMS_OF_BASE, line
        assert not re.search(r"[`$]\(?", line), f"{line}: this test cannot see the programs of a substitution"


def test_base_image_default_is_that_of_the_dockerfile() -> None:
    assert f"ARG BASE_IMAGE={BASE_IMAGE}\n" in (ROOT / "Dockerfile").read_text(encoding="utf-8")


class Registry:
    """Fake of ECR with the digests of pushed images by repository and tag."""

    def __init__(self) -> None:
        self.pushed: dict[str, str] = {}

    def describe_images(self, repositoryName: str, imageIds: list[dict[str, str]]) -> object:  # noqa: N803
        tag = imageIds[0]["imageTag"]
        digest = self.pushed.get(f"{repositoryName}:{tag}")
        return {"imageDetails": [{"imageDigest": digest}] if digest else []}

    def get_authorization_token(self) -> object:
        return {"authorizationData": [{"authorizationToken": "QVdTOnNlY3JldA=="}]}


def test_publish_image_is_built_once_and_returned_by_digest() -> None:
    registry = Registry()
    commands: list[list[str]] = []

    def run(command: object, stdin: bytes | None = None) -> None:
        arguments = list(command)  # type: ignore[call-overload]
        commands.append(arguments)
        assert "secret" not in " ".join(arguments), "the password belongs on stdin"
        if arguments[1] == "push":
            registry.pushed[arguments[2].split("/", 1)[1]] = "sha256:" + "a" * 64
        if arguments[1] == "login":
            assert stdin == b"secret"

    repositories = {
        "CsvParser": "1.dkr.example/csv-parser-lambda",
        "Onboarding": "1.dkr.example/product-onboarding-lambda",
    }
    for _ in range(2):
        published = images.publish_image(
            lambda _: registry, repositories, BASE, "docker", lambda _: None, ca_sha256="c" * 64, run=run
        )
        assert published["CsvParser"] == "1.dkr.example/csv-parser-lambda@sha256:" + "a" * 64
    assert {name.rsplit(":")[1] for name in registry.pushed} == {images.image_tag(ROOT, BASE, "c" * 64)}
    assert [arguments[1] for arguments in commands] == ["buildx", "login", "tag", "push", "tag", "push"]
    assert "linux/arm64" in commands[0]
    assert f"BASE_IMAGE={BASE}" in commands[0]
    assert "RDS_CA_SHA256=" + "c" * 64 in commands[0]


def test_image_tag_depends_on_content(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.py").write_text("1")
    first = images.image_tag(tmp_path, BASE)
    assert images.image_tag(tmp_path, BASE) == first
    assert images.image_tag(tmp_path, BASE.replace("0", "1")) != first
    # Another bundle of certificates is another image.
    assert len({first, *(images.image_tag(tmp_path, BASE, letter * 64) for letter in "ab")}) == 3
    (tmp_path / "src" / "a.py").write_text("2")
    assert images.image_tag(tmp_path, BASE) != first


def test_mark_deployed_repeated_tags_each_image_once() -> None:
    ecr = boto3.session.Session("key", "secret", region_name="us-east-1").client("ecr")
    digest = "sha256:" + "a" * 64
    manifest = {"imageManifest": "{}", "imageManifestMediaType": "application/vnd.oci.image.manifest.v1+json"}
    with Stubber(ecr) as stubber:
        for is_repeated in (False, True):
            stubber.add_response(
                "batch_get_image",
                {"images": [manifest]},
                {"repositoryName": "csv-parser-lambda", "imageIds": [{"imageDigest": digest}]},
            )
            request = {"repositoryName": "csv-parser-lambda", **manifest, "imageTag": "deployed-" + "a" * 20}
            if is_repeated:
                stubber.add_client_error("put_image", "ImageAlreadyExistsException", expected_params=request)
            else:
                stubber.add_response("put_image", {}, request)
            images.mark_deployed(lambda _: ecr, [f"1.dkr.example/csv-parser-lambda@{digest}"] * 2)
        stubber.assert_no_pending_responses()


@pytest.mark.parametrize(
    ("base", "pinned"),
    [
        (BASE, True),
        ("public.ecr.aws/lambda/python:3.13@sha256:" + "a" * 64, True),
        ("public.ecr.aws/lambda/python:3.13", False),
        ("public.ecr.aws/lambda/python@sha256:" + "a" * 63, False),
        ("@sha256:" + "a" * 64, False),
        ("", False),
    ],
)
def test_is_pinned_requires_a_digest(base: str, *, pinned: bool) -> None:
    assert images.is_pinned(base) is pinned
