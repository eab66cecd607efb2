"""The image of the functions: what it is made with, and that the same content is built once."""

from __future__ import annotations

import re
from pathlib import Path

import boto3
import pytest
from botocore.stub import Stubber

from onboarding.deploy import images
from onboarding.deploy.plan import BASE_IMAGE

ROOT = Path(__file__).parents[2]
BASE = "registry.example/python@sha256:" + "0" * 64

IN_EVERY_BASE = {"python3", "cp", "rm", "chmod", "mkdir", "mv"}
"""Python, and coreutils: AWS's base has a shell and hardly anything else, no `find` and no `sed`."""


def test_dockerfile_uses_only_programs_of_its_base() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line.removeprefix("RUN ").strip() for line in text.splitlines() if line.startswith("RUN ")]
    assert len(lines) > 1
    for line in lines:
        # Either words of a shell, or a list that goes without one.
        commands = [line.strip('[]"').split('"')[0]] if line.startswith("[") else re.split(r"&&|\|\|?|;", line)
        assert {command.split()[0] for command in commands} <= IN_EVERY_BASE, line
        assert not re.search(r"[`$]\(?", line), f"{line}: nothing that this test does not see"


def test_base_image_default_is_that_of_the_dockerfile() -> None:
    assert f"ARG BASE_IMAGE={BASE_IMAGE}\n" in (ROOT / "Dockerfile").read_text(encoding="utf-8")


class Registry:
    """ECR as far as pushing needs it, with what was pushed."""

    class exceptions:  # noqa: N801 - as boto3 has it
        pass

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
        words = list(command)  # type: ignore[call-overload]
        commands.append(words)
        assert "secret" not in " ".join(words), "a password is for stdin"
        if words[1] == "push":
            registry.pushed[words[2].split("/", 1)[1]] = "sha256:" + "a" * 64
        if words[1] == "login":
            assert stdin == b"secret"

    repositories = {
        "CsvParser": "1.dkr.example/csv-parser-lambda",
        "Onboarding": "1.dkr.example/product-onboarding-lambda",
    }
    for _ in range(2):
        found = images.publish_image(
            lambda _: registry, repositories, BASE, "docker", lambda _: None, ca_sha256="c" * 64, run=run
        )
        assert found["CsvParser"] == "1.dkr.example/csv-parser-lambda@sha256:" + "a" * 64
    assert {name.rsplit(":")[1] for name in registry.pushed} == {images.image_tag(ROOT, BASE, "c" * 64)}
    assert [words[1] for words in commands] == ["buildx", "login", "tag", "push", "tag", "push"]
    assert "linux/arm64" in commands[0]
    assert f"BASE_IMAGE={BASE}" in commands[0]
    assert "RDS_CA_SHA256=" + "c" * 64 in commands[0]


def test_image_tag_depends_on_content(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.py").write_text("1")
    first = images.image_tag(tmp_path, BASE)
    assert images.image_tag(tmp_path, BASE) == first
    assert images.image_tag(tmp_path, BASE.replace("0", "1")) != first
    # So that a new bundle of certificates is built into an image of the same sources.
    assert len({first, *(images.image_tag(tmp_path, BASE, letter * 64) for letter in "ab")}) == 3
    (tmp_path / "src" / "a.py").write_text("2")
    assert images.image_tag(tmp_path, BASE) != first


def test_mark_deployed_repeated_tags_each_image_once() -> None:
    ecr = boto3.session.Session("key", "secret", region_name="us-east-1").client("ecr")
    digest = "sha256:" + "a" * 64
    manifest = {"imageManifest": "{}", "imageManifestMediaType": "application/vnd.oci.image.manifest.v1+json"}
    with Stubber(ecr) as stubber:
        for again in (False, True):
            stubber.add_response(
                "batch_get_image",
                {"images": [manifest]},
                {"repositoryName": "csv-parser-lambda", "imageIds": [{"imageDigest": digest}]},
            )
            asked = {"repositoryName": "csv-parser-lambda", **manifest, "imageTag": "deployed-" + "a" * 20}
            if again:
                stubber.add_client_error("put_image", "ImageAlreadyExistsException", expected_params=asked)
            else:
                stubber.add_response("put_image", {}, asked)
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
