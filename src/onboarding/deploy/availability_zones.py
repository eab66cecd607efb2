"""Choice of Availability Zones that support the database, the functions and the endpoints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from onboarding.cloudformation.stack_runner import MakeClient
from onboarding.cloudformation.templates import load_template
from onboarding.deploy.check_findings import Finding
from onboarding.deploy.plan import Plan

UNSUPPORTED_ZONE_IDS = frozenset({"use1-az3", "usw1-az2", "cac1-az3"})
"""IDs of zones without Lambda, arm64 instances or interface endpoints. Zone names differ by account, IDs do not."""

PARAMETERS = ("ZoneA", "ZoneB")
"""The parameters of the network's template that name its two zones."""


def choose_zone_parameters(client: MakeClient, plan: Plan, earlier: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters for the network's zones.

    An existing network keeps its zones (the parameters in `earlier`), since other zones would replace its subnets.
    """
    if earlier or plan.stage == "local":
        return {name: earlier.get(name, "") for name in PARAMETERS}
    return dict(zip(PARAMETERS, _choose_zones(client, _list_database_offers(client, plan)), strict=False))


def check_zones(client: MakeClient, plan: Plan, *, new_network: bool) -> Iterator[Finding]:
    """Yield the reason for which the database or the network is not possible in the region, if there is one."""
    options = _list_database_offers(client, plan)
    version = load_template("database").parameter_value("EngineVersion")
    database = f"PostgreSQL {version} on {plan.instance_class}{' with a standby' if plan.multi_az else ''}"
    if not options:
        yield Finding(
            f"RDS does not offer {database} in this region. Choose another instance class (--instance-class) or "
            "region.",
            blocks=True,
        )
    elif new_network and len(zones := _choose_zones(client, options)) < len(PARAMETERS):
        yield Finding(
            f"The deployment needs two Availability Zones with {database}, Lambda and interface endpoints, and this "
            f"account has {', '.join(zones) or 'none'} in this region. Choose another instance class "
            "(--instance-class) or region.",
            blocks=True,
        )


def _list_database_offers(client: MakeClient, plan: Plan) -> list[dict[str, Any]]:
    """Return RDS's offers of the database's engine, version, storage and instance class."""
    template = load_template("database")
    [instance] = template.resources_of_type("AWS::RDS::DBInstance").values()
    version = template.parameter_value("EngineVersion")
    pages = client("rds").get_paginator("describe_orderable_db_instance_options")
    return [
        option
        for page in pages.paginate(Engine=instance["Engine"], DBInstanceClass=plan.instance_class, Vpc=True)
        for option in page["OrderableDBInstanceOptions"]
        if f"{option['EngineVersion']}.".startswith(f"{version}.")
        and option["StorageType"] == instance["StorageType"]
        and (option["MultiAZCapable"] or not plan.multi_az)
    ]


def _choose_zones(client: MakeClient, options: list[dict[str, Any]]) -> list[str]:
    """Return the names of up to two zones that support the database, the functions and the endpoints."""
    ec2 = client("ec2")
    available = ec2.describe_availability_zones(
        Filters=[
            {"Name": "zone-type", "Values": ["availability-zone"]},
            {"Name": "state", "Values": ["available"]},
            {"Name": "opt-in-status", "Values": ["opt-in-not-required", "opted-in"]},
        ]
    )["AvailabilityZones"]
    zones = {zone["ZoneName"] for zone in available if zone["ZoneId"] not in UNSUPPORTED_ZONE_IDS}
    zones &= {zone["Name"] for option in options for zone in option["AvailabilityZones"]}
    # Also for a network without endpoints: they can be added later, when the zones can no longer change.
    for service in ec2.describe_vpc_endpoint_services(ServiceNames=_list_endpoint_services(client))["ServiceDetails"]:
        zones &= set(service["AvailabilityZones"])
    return sorted(zones)[: len(PARAMETERS)]


def _list_endpoint_services(client: MakeClient) -> list[str]:
    """Return the services that have an interface endpoint in the network's template."""
    template = load_template("network", region=client("ec2").meta.region_name)
    endpoints = template.resources_of_type("AWS::EC2::VPCEndpoint").values()
    return [
        template.evaluate(endpoint["ServiceName"])
        for endpoint in endpoints
        if endpoint["VpcEndpointType"] == "Interface"
    ]
