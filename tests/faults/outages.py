"""Outages of the services: PostgreSQL itself, AWS in the doubles. Afterwards every invariant holds."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psycopg
from botocore.exceptions import EndpointConnectionError

from onboarding.aws.dead_letter_queues import INGESTION_QUEUE
from onboarding.domain.resource_names import resource_name
from onboarding.local.postgres import Postgres
from tests.faults import invariants
from tests.faults.enumeration import all_file_kinds, new_simulation
from tests.faults.fault_plans import SingleFault
from tests.faults.lambda_runtime import Call, InjectionPoint, Runtime
from tests.faults.simulation import Simulation, no_fault, violation
from tests.faults.upload_files import file_of

SECRET = "ecommerce/rds/credentials"
RUN_MINUTES = 5
"""Minutes between two scheduled runs of the watchdog."""

SERVICES = ("s3", "dynamodb", "sqs", "sns", "ses")


@dataclass(frozen=True)
class OutageResult:
    """An outage, and the violated invariant, if any."""

    name: str
    violation: str | None


def run_outages(runtime: Runtime, postgres: Postgres) -> Iterator[OutageResult]:
    """Run every outage."""
    for service in SERVICES:
        yield _run_outage(f"{service} is down for hours", runtime, _outage(service))
    yield _run_outage("PostgreSQL is down for hours", runtime, lambda simulation: _database_down(simulation, postgres))
    yield hour_without_database(runtime)
    for function, point in RESTARTS:
        fault = SingleFault(function, point, 1, "restart")
        yield _run_outage(f"PostgreSQL restarts: {function} {point}", runtime, _restarting(fault, postgres))
    yield _run_outage("the secret is rotated", runtime, _rotate_secret)
    yield _run_outage("PostgreSQL is read-only for a while", runtime, _read_only)


RESTARTS: tuple[tuple[str, InjectionPoint], ...] = (
    ("csv_parser", "after sql.insert_upload"),
    ("csv_parser", "at staging.rows_written"),
    ("product_validator", "after sql.insert_products"),
    ("product_validator", "before commit"),
    ("product_validator", "after commit"),
    ("error_processor", "after sns.publish"),
)


def hour_without_database(runtime: Runtime) -> OutageResult:
    """PostgreSQL refuses connections for an hour; only the scheduled runs of the watchdog act."""
    return _run_outage("PostgreSQL is down for an hour, only scheduled runs", runtime, _hour_without_database)


def _run_outage(name: str, runtime: Runtime, run: Callable[[Simulation], None]) -> OutageResult:
    simulation = new_simulation(runtime)
    try:
        run(simulation)
        simulation.recover()
        invariants.check(simulation)
    except Exception as error:  # noqa: BLE001 - an error after the faults have stopped is a violation too
        runtime.cool_down()
        return OutageResult(name, f"{type(error).__name__}: {error} | faults met: {simulation.errors[-4:]}")
    return OutageResult(name, None)


def _outage(service: str) -> Callable[[Simulation], None]:
    """Fail every call to a service until all retries are exhausted; then the failure queues are redriven."""

    def fail(_: Call, point: InjectionPoint) -> None:
        if point.startswith(f"before {service}."):
            raise EndpointConnectionError(endpoint_url=f"http://{service}")

    return lambda simulation: all_file_kinds(simulation, fail)


def _database_down(simulation: Simulation, postgres: Postgres) -> None:
    simulation.runtime.cool_down()
    postgres.stop()
    try:
        all_file_kinds(simulation, no_fault)
    finally:
        postgres.start(lambda: None)


def _hour_without_database(simulation: Simulation) -> None:
    """Files are ingested, validated and reported when the outage begins; others arrive during it."""
    runtime = simulation.runtime
    simulation.batch = 4
    simulation.put("uploads/VEND001/before.csv", file_of("VEND001", [f"before-{n}" for n in range(8)], {2: 0}))
    simulation.put("uploads/VEND002/reported.csv", file_of("VEND002", ["reported-1"]))
    for _ in range(2):
        simulation.handle(simulation.pending.pop(0))
    simulation.collect()
    first, *_, last = (delivery for delivery in simulation.pending if delivery.function == "product_validator")
    for validated in (first, last):
        simulation.pending.remove(validated)
        simulation.handle(validated)
    url = runtime.aws.sqs_get_queue_url(QueueName=resource_name(INGESTION_QUEUE))["QueueUrl"]
    failed_functions = set()
    with _unreachable_database(simulation):
        for minute in range(0, 60, RUN_MINUTES):
            simulation.put(f"uploads/VEND003/{minute}.csv", file_of("VEND003", [f"{minute}-1", f"{minute}-2"], {2: 1}))
            simulation.deliver_all()
            for delivery in simulation.failures:
                if delivery.function == "csv_parser":
                    message = json.dumps({"requestPayload": delivery.event})
                    runtime.aws.sqs_send_message(QueueUrl=url, MessageBody=message)
                else:
                    failed_functions.add(delivery.function)
            simulation.failures.clear()
            runtime.clock.advance(60 * RUN_MINUTES)
            with suppress(psycopg.OperationalError):
                runtime.call("watchdog", {}, no_fault)
                raise violation("the watchdog detects that the database is down")
    # Operators examine these failures later; the uploads are resumed from the history.
    assert failed_functions == {"product_validator", "error_processor"}, failed_functions
    for _ in range(3):
        runtime.clock.advance(60 * RUN_MINUTES)
        runtime.call("watchdog", {}, no_fault)
        simulation.deliver_all()
    if runtime.aws.failed_events[url]:
        raise violation("upload events leave their failure queue", runtime.aws.failed_events[url])
    invariants.check(simulation)


@contextmanager
def _unreachable_database(simulation: Simulation) -> Iterator[None]:
    """Close all connections; until the end of the block nothing listens on the port in the secret."""
    runtime = simulation.runtime
    secret = runtime.aws.secrets[SECRET]
    with socket.create_server(("127.0.0.1", 0)) as server:
        port, secret["port"] = secret["port"], str(server.getsockname()[1])
    runtime.cool_down()
    try:
        yield
    finally:
        secret["port"] = port
        runtime.cool_down()


def _restarting(fault: SingleFault, postgres: Postgres) -> Callable[[Simulation], None]:
    def restart(call: Call, point: InjectionPoint) -> None:
        if fault.due(call, point):
            postgres.stop()
            postgres.start(lambda: None)

    def run(simulation: Simulation) -> None:
        all_file_kinds(simulation, restart)
        assert fault.injected, "the injection point was not reached"

    return run


def _rotate_secret(simulation: Simulation) -> None:
    """Change the password and close the connections of containers that have cached the old one."""
    runtime = simulation.runtime
    fault = SingleFault("product_validator", "after sql.insert_products", 1, "rotation")
    old_password = runtime.aws.secrets[SECRET]["password"]

    def change(password: str) -> None:
        runtime.fetch(f"alter role current_user password '{password}'")
        runtime.aws.secrets[SECRET] |= {"password": password}

    def rotate(call: Call, point: InjectionPoint) -> None:
        if fault.due(call, point):
            change("rotated")
            runtime.fetch(
                "select pg_terminate_backend(pid, 5000) from pg_stat_activity "
                "where datname = current_database() and pid <> pg_backend_pid()"
            )

    try:
        all_file_kinds(simulation, rotate)
    finally:
        change(old_password)
        runtime.cool_down()
    assert fault.injected, "the injection point was not reached"
    if any("OperationalError" in error for error in simulation.errors):
        raise violation("a rotated secret is read again", simulation.errors)


def _read_only(simulation: Simulation) -> None:
    """Make new sessions read-only for a while, as after a failover that leaves connections on the old primary."""
    runtime = simulation.runtime
    runtime.cool_down()
    runtime.fetch("alter role current_user set default_transaction_read_only = on")
    try:
        all_file_kinds(simulation, no_fault)
    finally:
        runtime.fetch("alter role current_user reset default_transaction_read_only")
    read_only = psycopg.errors.ReadOnlySqlTransaction.__name__
    if not any(read_only in error for error in simulation.errors):
        raise violation("a read-only database is detected", simulation.errors)
