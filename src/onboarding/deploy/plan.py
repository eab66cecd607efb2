"""Choices of a deployment, and the names, tags and templates that follow from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from onboarding.cloudformation.templates import NO_PARAMETERS, Template, load_template
from onboarding.domain.resource_names import PRODUCT, resource_name

STACKS = ("registry", "network", "database", "pipeline", "operations")
"""The templates in `infra`, in the order of their deployment."""

TAG = f"application={PRODUCT}"
"""The tag of every stack of a deployment, which CloudFormation copies to all its resources that can have tags."""

BASE_IMAGE = "public.ecr.aws/lambda/python:3.13"
"""The base of the functions' image, as in the Dockerfile."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Choices of a deployment.

    `name_prefix` is the prefix of all names, empty for the account's first deployment. `packaging` is `Image` on AWS
    and `Zip` for the local stack, which runs the installed package. `base_image` is the base of the functions' image,
    `ca_sha256` the required digest of RDS's certificates, if any. `pipeline_parameters` are passed to the pipeline's
    template unchanged.
    """

    name_prefix: str = ""
    stage: str = "production"
    outbound: str = "ipv6"
    multi_az: bool = False
    instance_class: str = "db.t4g.micro"
    snapshot: str = ""
    email_sender: str = ""
    operator_email: str = ""
    base_image: str = BASE_IMAGE
    ca_sha256: str = ""
    packaging: str = "Image"
    ssl_mode: str = "verify-full"
    pipeline_parameters: Mapping[str, str] = field(default_factory=dict)

    def stack_name(self, template: str) -> str:
        """Return the name of a template's stack."""
        return resource_name(template, self.name_prefix)

    def template(
        self, name: str, account: str = "", region: str = "", parameters: Mapping[str, str] = NO_PARAMETERS
    ) -> Template:
        """Return a template with the prefix of this deployment's names and these parameters."""
        return load_template(name, {"NamePrefix": self.name_prefix, **parameters}, account, region)

    @property
    def tags(self) -> dict[str, str]:
        """Tags of every stack, which CloudFormation copies to all its resources that can have tags."""
        key, _, value = TAG.partition("=")
        return {key: value, "stage": self.stage}

    @property
    def dual_stack(self) -> str:
        """`true` if the functions reach the AWS APIs over IPv6, otherwise `false`."""
        return "true" if self.outbound == "ipv6" and self.stage != "local" else "false"

    def describe_resources(self) -> list[str]:
        """Return a line for each group of resources that the deployment creates, for its confirmation."""
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
    """Return whether a resource's tags contain the deployment's tag."""
    return any(f"{tag['Key']}={tag['Value']}" == TAG for tag in tags)
