"""The steps of a deployment, in order. Each may run again, and finds what it did."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.config import Config

from onboarding.deploy import buckets, checks, concurrency, images, zones
from onboarding.deploy.calls import admin
from onboarding.deploy.changes import CHOSEN, IMAGE, Change, parameter_changes, running_stacks
from onboarding.deploy.findings import Finding
from onboarding.deploy.plan import BASE_IMAGE, STACKS, DeployError, MakeClient, Plan, Say, checkout, template_text
from onboarding.deploy.smoke import smoke_test
from onboarding.deploy.stacks import UNUSABLE, Stacks, stack_outputs, stack_parameters
from onboarding.runtime import FOR_A_CALL

REPOSITORY = "Repository"

STORAGE_GIB = 20
"""The least that RDS has."""

ELSEWHERE = {"freetier": "us-east-1"}
"""The regions of services that are not in every region."""

MAX_STORAGE_GIB = 100
"""How far the storage grows by itself, unless a snapshot brings more."""

STORAGE_HEADROOM = 1.26
"""How far above its storage a database's limit has to be: RDS refuses less than 1.1, and advises this."""

SHARED = "Onboarding"
"""The repository of the functions that have none of their own."""


UNKNOWN = "known once it is made"
"""Stands for what a running stack does not tell yet, where changes are shown."""


@dataclass(slots=True)
class Deployment:
    """One run of `onboarding deploy`: `prepare` makes nothing, `run` everything."""

    client: MakeClient
    plan: Plan
    say: Say
    pause: float = 3
    run_command: images.Run = images.run_command

    def prepare(self) -> list[Finding]:
        """What the checks found. Raises DeployError if the account cannot be asked."""
        checks.account_of(self.client)
        return list(checks.check(self.client, self.plan))

    def changes(self) -> list[Change]:
        """Return what changes in the stacks that run, as far as it is known before anything is made."""
        found = running_stacks(self.client, self.plan, *STACKS)
        # Of a first attempt that failed nothing runs.
        stacks = {name: stack for name, stack in found.items() if stack["StackStatus"] not in UNUSABLE}
        if not stacks:
            return []
        running = {name: stack_parameters(stack) for name, stack in stacks.items()}
        outputs = {
            name: defaultdict(lambda: UNKNOWN, stack_outputs(stacks[name]) if name in stacks else {}) for name in STACKS
        }
        new = {
            "registry": self._registry(),
            # The zones of a network that is not there yet would be asked for.
            "network": self._network(running["network"]) | {"OutboundBefore": ""} if "network" in running else {},
            "database": self._database(running.get("database", {}), outputs["network"]),
            "pipeline": self._pipeline(outputs["network"], outputs["database"]),
            "operations": self._operations(outputs["pipeline"]),
        }
        named = {"NamePrefix": self.plan.name_prefix}
        code = self._code_parameters(stack_outputs(stacks["registry"])) if "registry" in stacks else {}
        return [
            change
            for name, parameters in running.items()
            for change in parameter_changes(name, parameters, named | new[name] | self._declared(name, code))
        ]

    def run(self) -> dict[str, str]:
        """Deploy everything; the pipeline's outputs. Raises DeployError where it stops, to be run again."""
        account = checks.account_of(self.client)
        s3 = self.client("s3")
        bucket = buckets.deploy_bucket(s3, account, self.plan)
        self._stacks = Stacks(self.client, bucket, self.plan.tags, self.say, self.pause)
        stacks = running_stacks(self.client, self.plan, *STACKS)
        running = {name: stack_parameters(stack) for name, stack in stacks.items()}
        if "network" in stacks and stacks["network"]["StackStatus"] in UNUSABLE:
            # A network that was never made has no zones and no way to the AWS APIs that it should keep.
            del running["network"]
        registry = self._apply("registry", self._registry())
        code = self._code(registry, bucket)
        between = self._network(running.get("network", {}))
        network = self._apply("network", between)
        database = self._apply(
            "database", self._database(running.get("database", {}), network) | self._declared("database", code)
        )
        self.migrate()
        pipeline = self._apply("pipeline", self._pipeline(network, database) | self._declared("pipeline", code))
        if self.plan.packaging == "Image":
            images.mark_deployed(self.client, code.values())
        if between["OutboundBefore"]:
            self._apply("network", between | {"OutboundBefore": ""})
        # A first deployment makes report-link's secret only now, and the function `admin` completes it.
        self.migrate()
        self._apply("operations", self._operations(pipeline))
        self.say("Smoke test")
        smoke_test(self.client, pipeline, self.say, pause=min(1, self.pause))
        return pipeline

    def migrate(self) -> None:
        """Inside the VPC, since nobody outside reaches the database."""
        self.say("Migrations")
        ran = admin(self.client("lambda"), "migrate", prefix=self.plan.name_prefix)["ran"]
        self.say(f"  ran: {', '.join(ran)}" if ran else "  nothing to do")

    _stacks: Stacks = None  # type: ignore[assignment]

    def _apply(self, template: str, parameters: Mapping[str, str]) -> dict[str, str]:
        self.say(f"Stack {self.plan.stack_name(template)}")
        named = {"NamePrefix": self.plan.name_prefix, **parameters}
        return self._stacks.apply(self.plan.stack_name(template), template_text(template), named)

    def _code(self, registry: Mapping[str, str], bucket: str) -> dict[str, str]:
        """The parameters that say where the functions' code is, for every function."""
        if self.plan.packaging == "Zip":
            return buckets.put_placeholder(self.client("s3"), bucket)
        tool = images.builder()
        if tool is None:
            raise DeployError("no docker, podman or buildah is installed, and the image has to be built")
        self.say("Image")
        published = images.publish(
            self.client,
            _repositories(registry),
            self.plan.base_image,
            tool,
            self.say,
            ca_sha256=self.plan.ca_sha256,
            run=self.run_command,
        )
        return self._image_parameters(published)

    def _code_parameters(self, registry: Mapping[str, str]) -> dict[str, str]:
        """Return the parameters of `_code` if nothing is built: an image that the registry lacks is empty."""
        if self.plan.packaging == "Zip":
            account, region = checks.account_of(self.client), self.client("s3").meta.region_name
            return buckets.code_parameters(buckets.deploy_bucket_name(self.plan, account, region))
        tag = images.tag_of(checkout(), self.plan.base_image, self.plan.ca_sha256)
        found = images.in_registry(self.client, _repositories(registry), tag)
        return self._image_parameters(defaultdict(str, found))

    def _registry(self) -> dict[str, str]:
        return {"BaseImage": "" if self.plan.base_image == BASE_IMAGE else self.plan.base_image}

    def _network(self, running: Mapping[str, str]) -> dict[str, str]:
        """Return the parameters that keep the earlier way to the AWS APIs beside the new one, if it changes."""
        earlier = running.get("Outbound", self.plan.outbound)
        before = running.get("OutboundBefore", "") if earlier == self.plan.outbound else earlier
        return {
            "Stage": self.plan.stage,
            "Outbound": self.plan.outbound,
            "OutboundBefore": before,
            **zones.parameters(self.client, self.plan, running),
        }

    def _database(self, running: Mapping[str, str], network: Mapping[str, str]) -> dict[str, str]:
        storage = max(int(running.get("StorageGib", STORAGE_GIB)), self._snapshot_gib(running))
        return {
            "SubnetIds": network["SubnetIds"],
            "DatabaseSecurityGroupId": network["DatabaseSecurityGroupId"],
            "LambdaSecurityGroupId": network["LambdaSecurityGroupId"],
            "InstanceClass": self.plan.instance_class,
            "MultiAz": "true" if self.plan.multi_az else "false",
            # CloudFormation replaces a database that no longer names the snapshot that it began with.
            "SnapshotId": self.plan.snapshot or running.get("SnapshotId", ""),
            "StorageGib": str(storage),
            "MaxStorageGib": str(max(MAX_STORAGE_GIB, math.ceil(STORAGE_HEADROOM * storage))),
            "Packaging": self.plan.packaging,
            "DatabaseSslMode": self.plan.ssl_mode,
            "DualStack": self.plan.dual_stack,
        }

    def _snapshot_gib(self, running: Mapping[str, str]) -> int:
        """The storage of a snapshot to begin with, which may have grown: a database from it is no smaller."""
        if self.plan.snapshot in {"", running.get("SnapshotId")}:
            return 0
        found = self.client("rds").describe_db_snapshots(DBSnapshotIdentifier=self.plan.snapshot)["DBSnapshots"]
        return int(found[0]["AllocatedStorage"])

    def _pipeline(self, network: Mapping[str, str], database: Mapping[str, str]) -> dict[str, str]:
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
            **concurrency.parameters(self.client, self.plan),
            **self.plan.pipeline_parameters,
            CHOSEN: ",".join(sorted(self.plan.pipeline_parameters)),
        }

    def _operations(self, pipeline: Mapping[str, str]) -> dict[str, str]:
        return {"Stage": self.plan.stage, **{name: pipeline[name] for name in ("AlarmTopicArn", "ApiId")}}

    def _image_parameters(self, published: Mapping[str, str]) -> dict[str, str]:
        """Return images by the names by which the templates ask for them, one for each function."""
        texts = (template_text(name) for name in ("database", "pipeline"))
        names = [name for text in texts for name in re.findall(rf"^  (\w+{IMAGE}):", text, re.MULTILINE)]
        shared = published[SHARED]
        return {name: published.get(name.removesuffix(IMAGE), shared) for name in names}

    def _declared(self, template: str, code: Mapping[str, str]) -> dict[str, str]:
        """Of the code's parameters those that a template has: each has its own functions."""
        text = template_text(template)
        return {name: value for name, value in code.items() if f"\n  {name}:" in text}


def _repositories(registry: Mapping[str, str]) -> dict[str, str]:
    """Return the addresses of the repositories among the registry's outputs."""
    return {name.removesuffix(REPOSITORY): uri for name, uri in registry.items() if name.endswith(REPOSITORY)}


def client_of(session: Any) -> MakeClient:
    """Clients of a boto3 session, each made once."""
    made: dict[str, Any] = {}
    # A deployment asks for its progress every few seconds, and other applications of the account do too.
    patient = Config(retries={"mode": "adaptive", "total_max_attempts": 10})

    def client(service: str) -> Any:
        if service not in made:
            made[service] = session.client(
                service, region_name=ELSEWHERE.get(service), config=FOR_A_CALL if service == "lambda" else patient
            )
        return made[service]

    return client
