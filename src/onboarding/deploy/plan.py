"""What a deployment is to be, and what of it stands in which template."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from onboarding.domain.resource_names import PRODUCT, resource_name

MakeClient = Callable[[str], Any]
"""A service's name to a boto3 client."""

Say = Callable[[str], None]
"""Where progress is told, line by line."""


class DeployError(Exception):
    """The deployment cannot go on; the message says why and, if it can, what to do."""


STACKS = ("registry", "network", "database", "pipeline", "operations")
"""The templates in `infra`, in the order in which they are deployed."""

TAG = f"application={PRODUCT}"
"""Marks every stack of a deployment, and through it everything in it that can have tags."""

BASE_IMAGE = "public.ecr.aws/lambda/python:3.13"
"""What the functions' image is built on, as the Dockerfile has it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to deploy. `pipeline_parameters` go to the pipeline's template as they are.

    `packaging` is Image on AWS; Zip is for the local engine, which runs the installed package. `base_image` is what the
    image is built on, `ca_sha256` the digest that RDS's certificates must have, if any. `name_prefix` begins every name
    of a deployment beside the account's first one.
    """

    name_prefix: str = ""
    stage: str = "production"
    outbound: str = "ipv6"
    multi_az: bool = False
    instance_class: str = "db.t4g.micro"
    snapshot: str = ""
    mail_sender: str = ""
    operator_email: str = ""
    base_image: str = BASE_IMAGE
    ca_sha256: str = ""
    packaging: str = "Image"
    ssl_mode: str = "verify-full"
    pipeline_parameters: Mapping[str, str] = field(default_factory=dict)

    def stack_name(self, template: str) -> str:
        return resource_name(template, self.name_prefix)

    @property
    def tags(self) -> dict[str, str]:
        """On every stack, and through it on everything in it that can have tags."""
        key, _, value = TAG.partition("=")
        return {key: value, "stage": self.stage}

    @property
    def dual_stack(self) -> str:
        return "true" if self.outbound == "ipv6" and self.stage != "local" else "false"

    def described(self) -> list[str]:
        """What will be there, for whoever is asked whether to go on."""
        outbound = {
            "ipv6": "an egress-only gateway (IPv6)",
            "nat": "a NAT gateway",
            "endpoints": "interface endpoints for SQS, SNS, Secrets Manager and Lambda",
        }[self.outbound]
        standby = "with a standby in a second zone" if self.multi_az else "in one zone"
        return [
            "container image repositories, with one image for all functions",
            f"a VPC with two private subnets and {outbound}",
            f"PostgreSQL on {self.instance_class}, {standby}, encrypted, 7 days of backups",
            "the pipeline: two buckets, four tables, queues, topics, functions, an HTTP API",
            "alarms, a dashboard and saved queries",
        ]


def is_tagged(tags: Iterable[Mapping[str, str]]) -> bool:
    """Return whether AWS's list of a resource's tags has the deployments' tag."""
    return any(f"{tag['Key']}={tag['Value']}" == TAG for tag in tags)


def template_text(name: str) -> str:
    """`infra/<name>.yaml`, from the installed package or, in a checkout, from beside `src`."""
    packaged = files("onboarding").joinpath("infra", f"{name}.yaml")
    if packaged.is_file():
        return packaged.read_text(encoding="utf-8")
    return checkout().joinpath("infra", f"{name}.yaml").read_text(encoding="utf-8")


def checkout() -> Path:
    """Where `src`, `infra` and the Dockerfile are."""
    return Path(__file__).resolve().parents[3]
