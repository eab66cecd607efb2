"""The steps of a deployment, in order. Each may run again, and finds what it did."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from onboarding.context import FOR_A_CALL
from onboarding.deploy import buckets, checks, images
from onboarding.deploy.calls import admin
from onboarding.deploy.plan import DeployError, MakeClient, Plan, Say, template_text
from onboarding.deploy.smoke import smoke_test
from onboarding.deploy.stacks import Stacks

REPOSITORY = "Repository"
IMAGE = "ImageUri"

STORAGE_GIB = 20
"""The least that RDS has."""

SHARED = "Onboarding"
"""The repository of the functions that have none of their own."""


@dataclass(slots=True)
class Deployment:
    """One run of `onboarding deploy`: `prepare` makes nothing, `run` everything."""

    client: MakeClient
    plan: Plan
    say: Say
    pause: float = 3
    run_command: images.Run = images.run_command

    def prepare(self) -> list[checks.Finding]:
        """What the checks found. Raises DeployError if the account cannot be asked."""
        checks.account_of(self.client)
        return list(checks.check(self.client, self.plan))

    def run(self) -> dict[str, str]:
        """Deploy everything; the pipeline's outputs. Raises DeployError where it stops, to be run again."""
        account = checks.account_of(self.client)
        s3 = self.client("s3")
        bucket = buckets.deploy_bucket(s3, account, self.plan)
        self._stacks = Stacks(self.client, bucket, self.plan.tags, self.say, self.pause)
        registry = self._apply("registry", {})
        code = self._code(registry, bucket)
        network = self._apply("network", {"Stage": self.plan.stage, "Outbound": self.plan.outbound})
        database = self._apply("database", self._database(network, code))
        self.migrate()
        pipeline = self._apply("pipeline", self._pipeline(network, database, code))
        # A first deployment makes report-link's secret only now, and the function `admin` completes it.
        self.migrate()
        told = {name: pipeline[name] for name in ("AlarmTopicArn", "ApiId")}
        self._apply("operations", {"Stage": self.plan.stage, **told})
        self.say("Smoke test")
        smoke_test(self.client, pipeline, self.say, pause=min(1, self.pause))
        return pipeline

    def migrate(self) -> None:
        """Inside the VPC, since nobody outside reaches the database."""
        self.say("Migrations")
        ran = admin(self.client("lambda"), "migrate")["ran"]
        self.say(f"  ran: {', '.join(ran)}" if ran else "  nothing to do")

    _stacks: Stacks = None  # type: ignore[assignment]

    def _apply(self, template: str, parameters: Mapping[str, str]) -> dict[str, str]:
        self.say(f"Stack {self.plan.stack_name(template)}")
        return self._stacks.apply(self.plan.stack_name(template), template_text(template), parameters)

    def _code(self, registry: Mapping[str, str], bucket: str) -> dict[str, str]:
        """The parameters that say where the functions' code is, for every function."""
        if self.plan.packaging == "Zip":
            return buckets.put_placeholder(self.client("s3"), bucket)
        tool = images.builder()
        if tool is None:
            raise DeployError("no docker, podman or buildah is installed, and the image has to be built")
        self.say("Image")
        repositories = {
            name.removesuffix(REPOSITORY): uri for name, uri in registry.items() if name.endswith(REPOSITORY)
        }
        published = images.publish(
            self.client,
            repositories,
            self.plan.base_image,
            tool,
            self.say,
            ca_sha256=self.plan.ca_sha256,
            run=self.run_command,
        )
        shared = published[SHARED]
        return {name: published.get(name.removesuffix(IMAGE), shared) for name in self._image_parameters()}

    def _database(self, network: Mapping[str, str], code: Mapping[str, str]) -> dict[str, str]:
        # CloudFormation replaces a database that no longer names the snapshot that it began with.
        earlier = self._stacks.parameters(self.plan.stack_name("database"))
        return {
            "SubnetIds": network["SubnetIds"],
            "DatabaseSecurityGroupId": network["DatabaseSecurityGroupId"],
            "LambdaSecurityGroupId": network["LambdaSecurityGroupId"],
            "InstanceClass": self.plan.instance_class,
            "MultiAz": "true" if self.plan.multi_az else "false",
            "SnapshotId": self.plan.snapshot or earlier.get("SnapshotId", ""),
            "StorageGib": str(max(int(earlier.get("StorageGib", STORAGE_GIB)), self._snapshot_gib(earlier))),
            "Packaging": self.plan.packaging,
            "DatabaseSslMode": self.plan.ssl_mode,
            "DualStack": self.plan.dual_stack,
            **self._declared("database", code),
        }

    def _snapshot_gib(self, earlier: Mapping[str, str]) -> int:
        """The storage of a snapshot to begin with, which may have grown: a database from it is no smaller."""
        if self.plan.snapshot in {"", earlier.get("SnapshotId")}:
            return 0
        found = self.client("rds").describe_db_snapshots(DBSnapshotIdentifier=self.plan.snapshot)["DBSnapshots"]
        return int(found[0]["AllocatedStorage"])

    def _pipeline(
        self, network: Mapping[str, str], database: Mapping[str, str], code: Mapping[str, str]
    ) -> dict[str, str]:
        return {
            "Stage": self.plan.stage,
            "Packaging": self.plan.packaging,
            "SubnetIds": network["SubnetIds"],
            "SecurityGroupIds": network["LambdaSecurityGroupId"],
            "DualStack": self.plan.dual_stack,
            **{name: database[name] for name in ("PipelineSecretArn", "ApiSecretArn")},
            "DatabaseSslMode": self.plan.ssl_mode,
            "MailSender": self.plan.mail_sender,
            "OperatorEmail": self.plan.operator_email,
            **checks.concurrency(self.client, self.plan),
            **self._declared("pipeline", code),
            **self.plan.pipeline_parameters,
        }

    def _image_parameters(self) -> list[str]:
        """The names by which the templates ask for images, one for each function."""
        texts = (template_text(name) for name in ("database", "pipeline"))
        return [name for text in texts for name in re.findall(rf"^  (\w+{IMAGE}):", text, re.MULTILINE)]

    def _declared(self, template: str, code: Mapping[str, str]) -> dict[str, str]:
        """Of the code's parameters those that a template has: each has its own functions."""
        text = template_text(template)
        return {name: value for name, value in code.items() if f"\n  {name}:" in text}


def client_of(session: Any) -> MakeClient:
    """Clients of a boto3 session, each made once."""
    made: dict[str, Any] = {}

    def client(service: str) -> Any:
        if service not in made:
            made[service] = session.client(service, config=FOR_A_CALL if service == "lambda" else None)
        return made[service]

    return client
