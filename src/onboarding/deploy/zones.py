"""Availability Zones for a new network: the database, the functions and the endpoints need both of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from onboarding.deploy.findings import Finding
from onboarding.deploy.plan import MakeClient, Plan, template_text
from onboarding.local.template import Template

UNSUPPORTED = frozenset({"use1-az3", "usw1-az2", "cac1-az3"})
"""Ids of old zones without Lambda, arm64 instances or interface endpoints. Zone names differ by account."""

PARAMETERS = ("ZoneA", "ZoneB")
"""The parameters of the network's template that name its two zones."""


def parameters(client: MakeClient, plan: Plan, earlier: Mapping[str, str]) -> dict[str, str]:
    """Return the zones for the network's template. A network keeps its zones: others would replace its subnets."""
    if earlier or plan.stage == "local":
        return {name: earlier.get(name, "") for name in PARAMETERS}
    return dict(zip(PARAMETERS, _zones(client, _options(client, plan)), strict=False))


def findings(client: MakeClient, plan: Plan, *, new_network: bool) -> Iterator[Finding]:
    """Yield what keeps the database or the network out of the region."""
    options = _options(client, plan)
    version = _database().parameter("EngineVersion")
    wanted = f"PostgreSQL {version} on {plan.instance_class}{' with a standby' if plan.multi_az else ''}"
    if not options:
        yield Finding(
            f"RDS does not offer {wanted} in this region. Choose another instance class (--instance-class) or region.",
            blocks=True,
        )
    elif new_network and len(zones := _zones(client, options)) < len(PARAMETERS):
        yield Finding(
            f"The deployment needs two Availability Zones with {wanted}, Lambda and interface endpoints, and this "
            f"account has {', '.join(zones) or 'none'} in this region. Choose another instance class "
            "(--instance-class) or region.",
            blocks=True,
        )


def _database() -> Template:
    return Template(template_text("database"), {}, "", "")


def _options(client: MakeClient, plan: Plan) -> list[dict[str, Any]]:
    """Return what RDS offers of the database's engine, version, storage and instance class."""
    template = _database()
    [instance] = template.of_type("AWS::RDS::DBInstance").values()
    version = template.parameter("EngineVersion")
    pages = client("rds").get_paginator("describe_orderable_db_instance_options")
    return [
        option
        for page in pages.paginate(Engine=instance["Engine"], DBInstanceClass=plan.instance_class, Vpc=True)
        for option in page["OrderableDBInstanceOptions"]
        if f"{option['EngineVersion']}.".startswith(f"{version}.")
        and option["StorageType"] == instance["StorageType"]
        and (option["MultiAZCapable"] or not plan.multi_az)
    ]


def _zones(client: MakeClient, options: list[dict[str, Any]]) -> list[str]:
    """Return the names of up to two zones that have everything."""
    ec2 = client("ec2")
    available = ec2.describe_availability_zones(
        Filters=[
            {"Name": "zone-type", "Values": ["availability-zone"]},
            {"Name": "state", "Values": ["available"]},
            {"Name": "opt-in-status", "Values": ["opt-in-not-required", "opted-in"]},
        ]
    )["AvailabilityZones"]
    zones = {zone["ZoneName"] for zone in available if zone["ZoneId"] not in UNSUPPORTED}
    zones &= {zone["Name"] for option in options for zone in option["AvailabilityZones"]}
    # Also in a network without endpoints: it may get them later, and keeps its zones.
    for service in ec2.describe_vpc_endpoint_services(ServiceNames=_endpoint_services(client))["ServiceDetails"]:
        zones &= set(service["AvailabilityZones"])
    return sorted(zones)[: len(PARAMETERS)]


def _endpoint_services(client: MakeClient) -> list[str]:
    """Return the services that have an interface endpoint in the network's template."""
    template = Template(template_text("network"), {}, "", client("ec2").meta.region_name)
    endpoints = template.of_type("AWS::EC2::VPCEndpoint").values()
    return [
        template.value(endpoint["ServiceName"]) for endpoint in endpoints if endpoint["VpcEndpointType"] == "Interface"
    ]
