"""Deployment to AWS: its steps in order. Each step is idempotent."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.config import Config

from onboarding.cloudformation.code_placeholder import code_parameters, put_code_placeholder
from onboarding.cloudformation.stack_runner import DeployError, MakeClient, PrintLine, stack_outputs, stack_parameters
from onboarding.cloudformation.templates import load_template, repository_root
from onboarding.deploy import account_checks, buckets, images
from onboarding.deploy.availability_zones import choose_zone_parameters
from onboarding.deploy.check_findings import Finding
from onboarding.deploy.lambda_calls import call_admin
from onboarding.deploy.parameters import (
    IMAGE_SUFFIX,
    Change,
    compare_parameters,
    derived_parameters,
    list_running_stacks,
)
from onboarding.deploy.plan import BASE_IMAGE, STACKS, Plan
from onboarding.deploy.reserved_concurrency import reduce_reservations
from onboarding.deploy.smoke_test import run_smoke_test
from onboarding.deploy.stack_ownership import UNUSABLE_STATUSES, DeploymentStacks
from onboarding.runtime import INVOKE_CONFIG

REPOSITORY_SUFFIX = "Repository"
"""The suffix of the registry's outputs for repositories."""

SHARED_REPOSITORY = "Onboarding"
"""The repository of the functions without their own."""

SERVICE_REGIONS = {"freetier": "us-east-1"}
"""Region by service, for services that exist in only one."""

STORAGE_GIB = 20
"""The minimum storage of RDS."""

MAX_STORAGE_GIB = 100
"""The limit for the automatic growth of the storage, unless a snapshot is larger."""

STORAGE_HEADROOM = 1.26
"""The ratio of a database's storage limit to its storage, as RDS recommends. The minimum is 1.1."""

UNKNOWN = "known after the deployment"
"""The value of an output that a running stack does not have yet, in the list of changes."""


@dataclass(slots=True)
class Deployment:
    """One run of `onboarding deploy`. Only `run` creates and changes resources."""

    client: MakeClient
    plan: Plan
    print_line: PrintLine
    pause: float = 3
    run_command: images.Run = images.run_command

    def list_findings(self) -> list[Finding]:
        """Return the findings of the checks. Raises DeployError if AWS does not accept the credentials."""
        account_checks.get_account(self.client)
        return list(account_checks.run_checks(self.client, self.plan))

    def list_changes(self) -> list[Change]:
        """Return the changes of the running stacks that are known before the deployment."""
        stacks = {
            name: stack
            for name, stack in list_running_stacks(self.client, self.plan, *STACKS).items()
            if stack["StackStatus"] not in UNUSABLE_STATUSES
        }
        if not stacks:
            return []
        running = {name: stack_parameters(stack) for name, stack in stacks.items()}
        outputs = {
            name: defaultdict(lambda: UNKNOWN, stack_outputs(stacks[name]) if name in stacks else {}) for name in STACKS
        }
        new = {
            "registry": self._registry_parameters(),
            # A new network has no changes, and would need calls to choose its zones.
            "network": self._network_parameters(running["network"]) | {"OutboundBefore": ""}
            if "network" in running
            else {},
            "database": self._database_parameters(running.get("database", {}), outputs["network"]),
            "pipeline": self._pipeline_parameters(outputs["network"], outputs["database"]),
            "operations": self._operations_parameters(outputs["pipeline"]),
        }
        prefix = {"NamePrefix": self.plan.name_prefix}
        code = self._code_parameters(stack_outputs(stacks["registry"])) if "registry" in stacks else {}
        return [
            change
            for name, parameters in running.items()
            for change in compare_parameters(name, parameters, prefix | new[name] | self._filter_declared(name, code))
        ]

    def run(self) -> dict[str, str]:
        """Deploy all stacks and return the pipeline's outputs. Raises DeployError if a step fails; it can run again."""
        account = account_checks.get_account(self.client)
        s3 = self.client("s3")
        bucket = buckets.ensure_deploy_bucket(s3, account, self.plan)
        self._stacks = DeploymentStacks(self.client, bucket, self.plan.tags, self.print_line, self.pause)
        stacks = list_running_stacks(self.client, self.plan, *STACKS)
        running = {name: stack_parameters(stack) for name, stack in stacks.items()}
        if "network" in stacks and stacks["network"]["StackStatus"] in UNUSABLE_STATUSES:
            # A network that was never created has neither zones nor a route to keep.
            del running["network"]
        registry = self._apply("registry", self._registry_parameters())
        code = self._publish_code(registry, bucket)
        both_routes = self._network_parameters(running.get("network", {}))
        network = self._apply("network", both_routes)
        database = self._apply(
            "database",
            self._database_parameters(running.get("database", {}), network) | self._filter_declared("database", code),
        )
        self.migrate()
        pipeline = self._apply(
            "pipeline", self._pipeline_parameters(network, database) | self._filter_declared("pipeline", code)
        )
        if self.plan.packaging == "Image":
            images.mark_deployed(self.client, code.values())
        if both_routes["OutboundBefore"]:
            self._apply("network", both_routes | {"OutboundBefore": ""})
        # After a first deployment `admin` adds report-link's login to its secret, which the pipeline's stack created.
        self.migrate()
        self._apply("operations", self._operations_parameters(pipeline))
        self.print_line("Smoke test")
        run_smoke_test(self.client, pipeline, self.print_line, pause=min(1, self.pause))
        return pipeline

    def migrate(self) -> None:
        """Run the migrations in the function `admin`, since the database is reachable only in the VPC."""
        self.print_line("Migrations")
        migrations = call_admin(self.client("lambda"), "migrate", prefix=self.plan.name_prefix)["ran"]
        self.print_line(f"  ran: {', '.join(migrations)}" if migrations else "  nothing to do")

    _stacks: DeploymentStacks = None  # type: ignore[assignment]

    def _apply(self, template: str, parameters: Mapping[str, str]) -> dict[str, str]:
        stack = self.plan.stack_name(template)
        self.print_line(f"Stack {stack}")
        account, region = account_checks.get_account(self.client), self.client("s3").meta.region_name
        return self._stacks.apply(stack, self.plan.template(template, account, region, parameters))

    def _publish_code(self, registry: Mapping[str, str], bucket: str) -> dict[str, str]:
        """Publish the functions' code and return the templates' parameters for it."""
        if self.plan.packaging == "Zip":
            return put_code_placeholder(self.client("s3"), bucket)
        tool = images.find_builder()
        if tool is None:
            raise DeployError("no docker, podman or buildah is installed, and the image has to be built")
        self.print_line("Image")
        published = images.publish_image(
            self.client,
            _list_repositories(registry),
            self.plan.base_image,
            tool,
            self.print_line,
            ca_sha256=self.plan.ca_sha256,
            run=self.run_command,
        )
        return self._image_parameters(published)

    def _code_parameters(self, registry: Mapping[str, str]) -> dict[str, str]:
        """Return the parameters of `_publish_code` without building. An image that is not published is empty."""
        if self.plan.packaging == "Zip":
            account, region = account_checks.get_account(self.client), self.client("s3").meta.region_name
            return code_parameters(buckets.deploy_bucket_name(self.plan, account, region))
        tag = images.image_tag(repository_root(), self.plan.base_image, self.plan.ca_sha256)
        published = images.find_published(self.client, _list_repositories(registry), tag)
        return self._image_parameters(defaultdict(str, published))

    def _registry_parameters(self) -> dict[str, str]:
        return {"BaseImage": "" if self.plan.base_image == BASE_IMAGE else self.plan.base_image}

    def _network_parameters(self, running: Mapping[str, str]) -> dict[str, str]:
        """Return the network's parameters. A changed route to the AWS APIs is added beside the earlier one."""
        earlier = running.get("Outbound", self.plan.outbound)
        before = running.get("OutboundBefore", "") if earlier == self.plan.outbound else earlier
        return {
            "Stage": self.plan.stage,
            "Outbound": self.plan.outbound,
            "OutboundBefore": before,
            **choose_zone_parameters(self.client, self.plan, running),
        }

    def _database_parameters(self, running: Mapping[str, str], network: Mapping[str, str]) -> dict[str, str]:
        storage = max(int(running.get("StorageGib", STORAGE_GIB)), self._get_snapshot_storage(running))
        return {
            "SubnetIds": network["SubnetIds"],
            "DatabaseSecurityGroupId": network["DatabaseSecurityGroupId"],
            "LambdaSecurityGroupId": network["LambdaSecurityGroupId"],
            "InstanceClass": self.plan.instance_class,
            "MultiAz": "true" if self.plan.multi_az else "false",
            # CloudFormation replaces a database whose template no longer names its initial snapshot.
            "SnapshotId": self.plan.snapshot or running.get("SnapshotId", ""),
            "StorageGib": str(storage),
            "MaxStorageGib": str(max(MAX_STORAGE_GIB, math.ceil(STORAGE_HEADROOM * storage))),
            "Packaging": self.plan.packaging,
            "DatabaseSslMode": self.plan.ssl_mode,
            "DualStack": self.plan.dual_stack,
        }

    def _get_snapshot_storage(self, running: Mapping[str, str]) -> int:
        """Return the minimum storage for a new initial snapshot, or 0 without one."""
        if self.plan.snapshot in {"", running.get("SnapshotId")}:
            return 0
        response = self.client("rds").describe_db_snapshots(DBSnapshotIdentifier=self.plan.snapshot)
        return int(response["DBSnapshots"][0]["AllocatedStorage"])

    def _pipeline_parameters(self, network: Mapping[str, str], database: Mapping[str, str]) -> dict[str, str]:
        return {
            "EmailSender": self.plan.email_sender,
            "OperatorEmail": self.plan.operator_email,
            **reduce_reservations(self.client, self.plan),
            **self.plan.pipeline_parameters,
            **derived_parameters(self.plan, network, database),
        }

    def _operations_parameters(self, pipeline: Mapping[str, str]) -> dict[str, str]:
        return {"Stage": self.plan.stage, **{name: pipeline[name] for name in ("AlarmTopicArn", "ApiId")}}

    def _image_parameters(self, published: Mapping[str, str]) -> dict[str, str]:
        """Return the templates' parameters for images, one for each function."""
        templates = (load_template(name) for name in ("database", "pipeline"))
        names = [name for template in templates for name in template.declared if name.endswith(IMAGE_SUFFIX)]
        shared = published[SHARED_REPOSITORY]
        return {name: published.get(name.removesuffix(IMAGE_SUFFIX), shared) for name in names}

    def _filter_declared(self, template: str, code: Mapping[str, str]) -> dict[str, str]:
        """Return the parameters for code that a template declares. Each template has its own functions."""
        declared = load_template(template).declared
        return {name: value for name, value in code.items() if name in declared}


def _list_repositories(registry: Mapping[str, str]) -> dict[str, str]:
    """Return the addresses of the repositories among the registry's outputs."""
    return {
        name.removesuffix(REPOSITORY_SUFFIX): uri for name, uri in registry.items() if name.endswith(REPOSITORY_SUFFIX)
    }


def make_client_factory(session: Any) -> MakeClient:
    """Return a function that returns the session's client of a service and creates each client once."""
    clients: dict[str, Any] = {}
    # Status requests every few seconds share the rate limits of the account's other calls.
    adaptive = Config(retries={"mode": "adaptive", "total_max_attempts": 10})

    def client(service: str) -> Any:
        if service not in clients:
            clients[service] = session.client(
                service,
                region_name=SERVICE_REGIONS.get(service),
                config=INVOKE_CONFIG if service == "lambda" else adaptive,
            )
        return clients[service]

    return client
