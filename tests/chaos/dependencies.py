"""The services themselves fail for a while: PostgreSQL for real, AWS in the doubles. Afterwards nothing is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psycopg
from botocore.exceptions import EndpointConnectionError

from onboarding.local.postgres import Postgres
from tests.chaos import laws
from tests.chaos.enumeration import fresh, whole_way
from tests.chaos.plans import Once
from tests.chaos.runtime import Call, Place, Runtime
from tests.chaos.world import World, undisturbed

SECRET = "ecommerce/rds/credentials"
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


def _trial(name: str, runtime: Runtime, play: Callable[[World], None]) -> Trial:
    world = fresh(runtime)
    try:
        play(world)
        world.settle()
        laws.check(world)
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
        raise laws.broken("a rotated secret is asked for anew", world.errors)


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
        raise laws.broken("a database that takes no writes is noticed", world.errors)
