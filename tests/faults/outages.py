"""The services themselves fail for a while: PostgreSQL for real, AWS in the doubles. Afterwards nothing is missing."""

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
from tests.faults.enumeration import fresh, whole_way
from tests.faults.fault_plans import Once
from tests.faults.lambda_runtime import Call, Place, Runtime
from tests.faults.simulation import World, undisturbed
from tests.faults.upload_files import file_of

SECRET = "ecommerce/rds/credentials"
RUN_MINUTES = 5
"""Minutes between two scheduled runs of the watchdog."""

SERVICES = ("s3", "dynamodb", "sqs", "sns", "ses")


@dataclass(frozen=True)
class Trial:
    """What failed, and the law that broke, if one did."""

    name: str
    broken: str | None


def trials(runtime: Runtime, postgres: Postgres) -> Iterator[Trial]:
    """Every failure in turn."""
    for service in SERVICES:
        yield _trial(f"{service} answers nobody for hours", runtime, _outage(service))
    yield _trial("PostgreSQL is down for hours", runtime, lambda world: _database_down(world, postgres))
    yield an_hour_without_database(runtime)
    for function, place in RESTARTS:
        once = Once(function, place, 1, "restart")
        yield _trial(f"PostgreSQL restarts: {function} {place}", runtime, _restarting(once, postgres))
    yield _trial("the secret is rotated", runtime, _rotated)
    yield _trial("PostgreSQL takes no writes for a while", runtime, _read_only)


RESTARTS: tuple[tuple[str, Place], ...] = (
    ("csv_parser", "after sql.open_upload"),
    ("csv_parser", "at staging.chunk_written"),
    ("product_validator", "after sql.insert_products"),
    ("product_validator", "before commit"),
    ("product_validator", "after commit"),
    ("error_processor", "after sns.publish"),
)


def an_hour_without_database(runtime: Runtime) -> Trial:
    """PostgreSQL refuses connections for an hour, and no operator acts: only the watchdog's scheduled runs do."""
    return _trial("PostgreSQL is away for an hour, scheduled runs alone", runtime, _away_for_an_hour)


def _trial(name: str, runtime: Runtime, play: Callable[[World], None]) -> Trial:
    world = fresh(runtime)
    try:
        play(world)
        world.settle()
        invariants.check(world)
    except Exception as law:  # noqa: BLE001 - what the product raises once faults have stopped is a broken law too
        runtime.cool_down()
        return Trial(name, f"{type(law).__name__}: {law} | faults met: {world.errors[-4:]}")
    return Trial(name, None)


def _outage(service: str) -> Callable[[World], None]:
    """No call gets through until every retry was in vain; what was given up is redriven then."""

    def refuse(_: Call, place: Place) -> None:
        if place.startswith(f"before {service}."):
            raise EndpointConnectionError(endpoint_url=f"http://{service}")

    return lambda world: whole_way(world, refuse)


def _database_down(world: World, postgres: Postgres) -> None:
    world.runtime.cool_down()
    postgres.stop()
    try:
        whole_way(world, undisturbed)
    finally:
        postgres.start(lambda: None)


def _away_for_an_hour(world: World) -> None:
    """Files are ingested, validated and reported when the outage begins; others come while it lasts."""
    runtime = world.runtime
    world.batch = 4
    world.put("uploads/VEND001/before.csv", file_of("VEND001", [f"before-{n}" for n in range(8)], {2: 0}))
    world.put("uploads/VEND002/reported.csv", file_of("VEND002", ["reported-1"]))
    for _ in range(2):
        world.handle(world.waiting.pop(0))
    world.collect()
    first, *_, last = (some for some in world.waiting if some.function == "product_validator")
    for validated in (first, last):
        world.waiting.remove(validated)
        world.handle(validated)
    url = runtime.aws.sqs_get_queue_url(QueueName=resource_name(INGESTION_QUEUE))["QueueUrl"]
    evidence = set()
    with _refusing_connections(world):
        for minute in range(0, 60, RUN_MINUTES):
            world.put(f"uploads/VEND003/{minute}.csv", file_of("VEND003", [f"{minute}-1", f"{minute}-2"], {2: 1}))
            world.quiet()
            for failed in world.failures:
                if failed.function == "csv_parser":
                    message = json.dumps({"requestPayload": failed.event})
                    runtime.aws.sqs_send_message(QueueUrl=url, MessageBody=message)
                else:
                    evidence.add(failed.function)
            world.failures.clear()
            runtime.clock.advance(60 * RUN_MINUTES)
            with suppress(psycopg.OperationalError):
                runtime.call("watchdog", {}, undisturbed)
                raise invariants.broken("the watchdog notices that the database is away")
    # Operators are to look at these some time; what they are about is resumed from the history.
    assert evidence == {"product_validator", "error_processor"}, evidence
    for _ in range(3):
        runtime.clock.advance(60 * RUN_MINUTES)
        runtime.call("watchdog", {}, undisturbed)
        world.quiet()
    if runtime.aws.failed_events[url]:
        raise invariants.broken("upload events leave their failure queue", runtime.aws.failed_events[url])
    invariants.check(world)


@contextmanager
def _refusing_connections(world: World) -> Iterator[None]:
    """As during a restart: connections end, and nothing listens on the port that the secret names."""
    runtime = world.runtime
    secret = runtime.aws.secrets[SECRET]
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port, secret["port"] = secret["port"], str(closed.getsockname()[1])
    runtime.cool_down()
    try:
        yield
    finally:
        secret["port"] = port
        runtime.cool_down()


def _restarting(once: Once, postgres: Postgres) -> Callable[[World], None]:
    def restart(call: Call, place: Place) -> None:
        if once.due(call, place):
            postgres.stop()
            postgres.start(lambda: None)

    def play(world: World) -> None:
        whole_way(world, restart)
        assert once.fallen, "the place was not reached"

    return play


def _rotated(world: World) -> None:
    """Containers are warm and know the old password; then it changes and their connections are lost."""
    runtime = world.runtime
    once = Once("product_validator", "after sql.insert_products", 1, "rotation")
    old = runtime.aws.secrets[SECRET]["password"]

    def change(password: str) -> None:
        runtime.ask(f"alter role current_user password '{password}'")
        runtime.aws.secrets[SECRET] |= {"password": password}

    def rotate(call: Call, place: Place) -> None:
        if once.due(call, place):
            change("rotated")
            runtime.ask(
                "select pg_terminate_backend(pid, 5000) from pg_stat_activity "
                "where datname = current_database() and pid <> pg_backend_pid()"
            )

    try:
        whole_way(world, rotate)
    finally:
        change(old)
        runtime.cool_down()
    assert once.fallen, "the place was not reached"
    if any("OperationalError" in error for error in world.errors):
        raise invariants.broken("a rotated secret is asked for anew", world.errors)


def _read_only(world: World) -> None:
    """As after a failover that leaves connections with the old primary: sessions are read-only until they are new."""
    runtime = world.runtime
    runtime.cool_down()
    runtime.ask("alter role current_user set default_transaction_read_only = on")
    try:
        whole_way(world, undisturbed)
    finally:
        runtime.ask("alter role current_user reset default_transaction_read_only")
    refused = psycopg.errors.ReadOnlySqlTransaction.__name__
    if not any(refused in error for error in world.errors):
        raise invariants.broken("a database that takes no writes is noticed", world.errors)
