"""Container image of the functions: built once, pushed to each repository, referenced by its digest."""

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

from onboarding.cloudformation.stack_runner import DeployError, MakeClient, PrintLine
from onboarding.cloudformation.templates import repository_root

PLATFORM = "linux/arm64"

SOURCES = ("Dockerfile", ".dockerignore", "requirements-lambda.lock", "pyproject.toml", "src", "infra")
"""The files and directories that determine the image's content."""

Run = Callable[[Sequence[str], bytes | None], None]
"""Function that runs a command with this standard input and raises DeployError if it fails."""


def run_command(command: Sequence[str], stdin: bytes | None = None) -> None:
    """Run a command with this standard input. Raises DeployError if it fails."""
    completed = subprocess.run(command, input=stdin, check=False)  # noqa: S603 - our own commands, no shell
    if completed.returncode:
        raise DeployError(
            f"`{' '.join(command[:3])} …` failed with exit code {completed.returncode}; its output is above"
        )


def find_builder() -> str | None:
    """Return the first installed tool that can build and push an image, or None."""
    return next((tool for tool in ("docker", "podman", "buildah") if shutil.which(tool)), None)


def is_pinned(base: str) -> bool:
    """Return whether a base image is referenced by its digest. The image of a tag changes over time."""
    return re.fullmatch(r"\S+@sha256:[0-9a-f]{64}", base) is not None


def image_tag(root: Path, base: str, ca_sha256: str = "") -> str:
    """Return the tag of an image, a hash of its sources, its base and the required digest of RDS's certificates."""
    digest = hashlib.sha256(f"{base}\0{ca_sha256}\0".encode())
    for path in sorted(_source_files(root)):
        digest.update(f"{path.relative_to(root)}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return f"sources-{digest.hexdigest()[:20]}"


def publish_image(
    client: MakeClient,
    repositories: Mapping[str, str],
    base: str,
    tool: str,
    print_line: PrintLine,
    *,
    ca_sha256: str = "",
    run: Run = run_command,
) -> dict[str, str]:
    """Build the image if the registry lacks it, push it, and return the image by digest for each repository.

    `repositories` are addresses by name; the result has the same names. `base` is the base image, `tool` the program
    that builds. With `ca_sha256` the build fails if RDS's certificates have another digest.
    """
    root = repository_root()
    tag = image_tag(root, base, ca_sha256)
    ecr = client("ecr")
    published = find_published(client, repositories, tag)
    missing = {name: uri for name, uri in repositories.items() if name not in published}
    if missing:
        local = f"onboarding:{tag}"
        print_line(f"  building {local} for {PLATFORM} with {tool}")
        run(_build_command(tool, local, base, root, ca_sha256), None)
        _log_in(ecr, tool, next(iter(missing.values())), run)
        for uri in missing.values():
            print_line(f"  pushing {uri}:{tag}")
            run([tool, "tag", local, f"{uri}:{tag}"], None)
            run([tool, "push", f"{uri}:{tag}"], None)
        published = find_published(client, repositories, tag)
    else:
        print_line(f"  {tag} is in the registry already")
    for name, uri in repositories.items():
        if name not in published:
            raise DeployError(f"{uri}:{tag} was pushed, but the registry does not have it")
    return published


def find_published(client: MakeClient, repositories: Mapping[str, str], tag: str) -> dict[str, str]:
    """Return the image with this tag by digest, for each repository that has it."""
    digests = {name: _get_digest(client("ecr"), uri, tag) for name, uri in repositories.items()}
    return {name: f"{repositories[name]}@{digest}" for name, digest in digests.items() if digest}


def mark_deployed(client: MakeClient, images: Iterable[str]) -> None:
    """Add a tag that begins with `deployed-` to images that functions use.

    The registry does not count these images together with those of failed deployments, so it expires none in use.
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


def _source_files(root: Path) -> Iterator[Path]:
    for name in SOURCES:
        path = root / name
        if path.is_file():
            yield path
        else:
            yield from (file for file in path.rglob("*") if file.is_file() and "__pycache__" not in file.parts)


def _build_command(tool: str, local: str, base: str, root: Path, ca_sha256: str) -> list[str]:
    options = ["--platform", PLATFORM, "--build-arg", f"BASE_IMAGE={base}", "--tag", local]
    if ca_sha256:
        options += ["--build-arg", f"RDS_CA_SHA256={ca_sha256}"]
    if tool == "docker":
        # Lambda does not accept the index of attestations that buildx adds by default.
        return ["docker", "buildx", "build", *options, "--provenance=false", "--load", str(root)]
    return [tool, "build", *options, "--format", "docker", str(root)]


def _log_in(ecr: Any, tool: str, uri: str, run: Run) -> None:
    [authorization] = ecr.get_authorization_token()["authorizationData"]
    user, password = base64.b64decode(authorization["authorizationToken"]).decode().split(":", 1)
    # On stdin, since all users of the machine can see the arguments of a command.
    run([tool, "login", "--username", user, "--password-stdin", uri.split("/", 1)[0]], password.encode())


def _get_digest(ecr: Any, uri: str, tag: str) -> str | None:
    try:
        images = ecr.describe_images(repositoryName=uri.split("/", 1)[1], imageIds=[{"imageTag": tag}])["imageDetails"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ImageNotFoundException":
            return None
        raise
    return str(images[0]["imageDigest"]) if images else None
