"""The image of the functions: built once, pushed to each repository, known by its digest."""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from onboarding.deploy.plan import DeployError, MakeClient, Say, checkout

PLATFORM = "linux/arm64"

# What the Dockerfile takes in. An image with the same of all of it is the same image.
SOURCES = ("Dockerfile", ".dockerignore", "requirements-lambda.lock", "pyproject.toml", "src", "infra")

Run = Callable[[Sequence[str], bytes | None], None]
"""Runs a command with what it reads on stdin; raises DeployError if it fails."""


def run_command(command: Sequence[str], stdin: bytes | None = None) -> None:
    done = subprocess.run(command, input=stdin, check=False)  # noqa: S603 - our own commands, no shell
    if done.returncode:
        raise DeployError(f"`{' '.join(command[:3])} …` ended with {done.returncode}; its words are above")


def builder() -> str | None:
    """The first of the tools that can build and push an image, if one is installed."""
    return next((tool for tool in ("docker", "podman", "buildah") if shutil.which(tool)), None)


def pinned(base: str) -> bool:
    """Whether a base image is named by its content: a tag is another image next week."""
    return re.fullmatch(r"\S+@sha256:[0-9a-f]{64}", base) is not None


def tag_of(root: Path, base: str, ca_sha256: str = "") -> str:
    """Return a tag that names the image's content: its sources, its base, and RDS's certificates if they are given."""
    digest = hashlib.sha256(f"{base}\0{ca_sha256}\0".encode())
    for path in sorted(_files(root)):
        digest.update(f"{path.relative_to(root)}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return f"sources-{digest.hexdigest()[:20]}"


def publish(
    client: MakeClient,
    repositories: Mapping[str, str],
    base: str,
    tool: str,
    say: Say,
    *,
    ca_sha256: str = "",
    run: Run = run_command,
) -> dict[str, str]:
    """Build the image on `base` if the registry lacks it, push it, and return each repository's image by digest.

    `repositories` are addresses by any name; the answer has the same names. With `ca_sha256` the build fails if RDS's
    certificates have another digest.
    """
    root = checkout()
    tag = tag_of(root, base, ca_sha256)
    ecr = client("ecr")
    there = in_registry(client, repositories, tag)
    missing = {name: uri for name, uri in repositories.items() if name not in there}
    if missing:
        local = f"onboarding:{tag}"
        say(f"  building {local} for {PLATFORM} with {tool}")
        run(_build(tool, local, base, root, ca_sha256), None)
        _log_in(ecr, tool, next(iter(missing.values())), run)
        for uri in missing.values():
            say(f"  pushing {uri}:{tag}")
            run([tool, "tag", local, f"{uri}:{tag}"], None)
            run([tool, "push", f"{uri}:{tag}"], None)
        there = in_registry(client, repositories, tag)
    else:
        say(f"  {tag} is in the registry already")
    for name, uri in repositories.items():
        if name not in there:
            raise DeployError(f"{uri}:{tag} was pushed and is not there")
    return there


def in_registry(client: MakeClient, repositories: Mapping[str, str], tag: str) -> dict[str, str]:
    """Return the image with this tag by digest, for each repository that has it."""
    digests = {name: _digest(client("ecr"), uri, tag) for name, uri in repositories.items()}
    return {name: f"{repositories[name]}@{digest}" for name, digest in digests.items() if digest}


def mark_deployed(client: MakeClient, images: Iterable[str]) -> None:
    """Give images that functions now run a tag that begins with `deployed-`.

    The registry expires other images first, so that pushes of deployments that failed never expire the one that runs.
    """
    ecr = client("ecr")
    for uri in set(images):
        address, _, digest = uri.partition("@")
        repository = address.split("/", 1)[1]
        [image] = ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageDigest": digest}])["images"]
        try:
            ecr.put_image(
                repositoryName=repository,
                imageManifest=image["imageManifest"],
                imageManifestMediaType=image["imageManifestMediaType"],
                imageTag=f"deployed-{digest.removeprefix('sha256:')[:20]}",
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ImageAlreadyExistsException":
                raise


def _files(root: Path) -> Iterator[Path]:
    for name in SOURCES:
        path = root / name
        if path.is_file():
            yield path
        else:
            yield from (found for found in path.rglob("*") if found.is_file() and "__pycache__" not in found.parts)


def _build(tool: str, local: str, base: str, root: Path, ca_sha256: str) -> list[str]:
    wanted = ["--platform", PLATFORM, "--build-arg", f"BASE_IMAGE={base}", "--tag", local]
    if ca_sha256:
        wanted += ["--build-arg", f"RDS_CA_SHA256={ca_sha256}"]
    if tool == "docker":
        # Lambda refuses the index of attestations that buildx adds by itself.
        return ["docker", "buildx", "build", *wanted, "--provenance=false", "--load", str(root)]
    return [tool, "build", *wanted, "--format", "docker", str(root)]


def _log_in(ecr: Any, tool: str, uri: str, run: Run) -> None:
    [authorization] = ecr.get_authorization_token()["authorizationData"]
    user, password = base64.b64decode(authorization["authorizationToken"]).decode().split(":", 1)
    # On stdin: a command's arguments are for everyone on the machine to see.
    run([tool, "login", "--username", user, "--password-stdin", uri.split("/", 1)[0]], password.encode())


def _digest(ecr: Any, uri: str, tag: str) -> str | None:
    try:
        found = ecr.describe_images(repositoryName=uri.split("/", 1)[1], imageIds=[{"imageTag": tag}])["imageDetails"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ImageNotFoundException":
            return None
        raise
    return str(found[0]["imageDigest"]) if found else None
