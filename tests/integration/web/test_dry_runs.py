"""Dry runs and uploads that take long hold up nobody else; each vendor has a limited number of dry runs."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from onboarding.config import Settings
from onboarding.pipeline import ingest as pipeline_ingest
from onboarding.pipeline import parser_process
from onboarding.runtime import AppContext
from onboarding.web import dry_run_limits
from tests.support.hostile_parser_child import hostile_child
from tests.support.isolation_attempts import answer_of, working_app
from tests.support.running_pipeline import Pipeline, csv_of, product

FILE = csv_of([product("limited")])


@pytest.fixture
def app(pipeline: Pipeline) -> Iterator[FastAPI]:
    forget(pipeline)
    with working_app(pipeline) as app:
        yield app
    forget(pipeline)


def forget(pipeline: Pipeline) -> None:
    pipeline.connection.execute("delete from dry_runs")


def asking(app: FastAPI, client: httpx.Client) -> httpx.AsyncClient:
    """The same person, asking an app of this process on a loop that others are on as well."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(
        transport=transport, base_url=client.base_url, headers=client.headers, cookies=client.cookies, timeout=120
    )


def test_other_requests_during_hostile_dry_runs_are_answered(
    app: FastAPI, pipeline: Pipeline, vendor_a: httpx.Client, vendor_b: httpx.Client, tmp_path: Path
) -> None:
    """Ten uploads and as many dry runs as a vendor may have are read until they are let go."""
    go = tmp_path / "go"
    content = b"wait:%b" % os.fsencode(go)
    with pipeline.without_bucket_notifications():
        sources = [pipeline.put_key(f"uploads/VENDA/hostile-{n}.csv", content + b"\n" * n) for n in range(10)]
    reading = threading.Semaphore(0)

    def ingest(source: pipeline_ingest.S3ObjectVersion) -> str | None:
        with closing(AppContext(Settings(dict(pipeline.endpoints.environment())))) as ctx:
            reading.release()
            return pipeline_ingest.ingest_object(ctx, source).outcome

    async def while_they_wait() -> tuple[list[httpx.Response], list[httpx.Response]]:
        async with asking(app, vendor_a) as a, asking(app, vendor_b) as b:
            slow = [asyncio.create_task(a.post("/v1/dry-runs", content=content)) for _ in range(2)]
            while pipeline.connection.execute("select count(*) from dry_runs where ended_at is null").fetchone() != (
                2,
            ):
                await asyncio.sleep(0.01)
            others = [await b.get("/v1/uploads"), await b.post("/v1/dry-runs", content=FILE)]
            assert not any(task.done() for task in slow)
            go.touch()
            return others, [await task for task in slow]

    with pytest.MonkeyPatch.context() as patch, hostile_child(), ThreadPoolExecutor(10) as threads:
        for name, value in pipeline.endpoints.environment().items():
            patch.setenv(name, value)
        ingesting = [threads.submit(ingest, source) for source in sources]
        try:
            for _ in sources:
                assert reading.acquire(timeout=60)
            others, slow = asyncio.run(while_they_wait())
        finally:
            go.touch()
        assert [each.result() for each in ingesting] == ["rejected"] * 10
    assert [answer.status_code for answer in others] == [200, 200]
    assert others[1].json()["valid_records"] == 1
    assert [answer.json()["failure_code"] for answer in slow] == ["MISSING_COLUMNS"] * 2
    for source in sources:
        upload = pipeline.finished(pipeline.upload_id(source))
        assert (upload.status, bool(upload.failure_reason)) == ("failed", True)


@pytest.mark.parametrize("order", [b"loop", b"memory", b"killed"])
def test_dry_run_of_a_file_over_a_limit_fails(app: FastAPI, vendor_a: httpx.Client, order: bytes) -> None:
    with hostile_child(CPU_SECONDS=1):
        answer = answer_of(app, vendor_a, "POST", "/v1/dry-runs", content=order)
    assert (answer.status_code, answer.json()["failure_code"]) == (200, "TOO_COMPLEX")


def test_dry_run_on_a_server_that_is_too_busy_is_unavailable(
    app: FastAPI, vendor_a: httpx.Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("onboarding.pipeline.dry_run.READING_SECONDS", 0.5)
    with hostile_child():
        content = b"wait:%b" % os.fsencode(tmp_path / "never")
        answer = answer_of(app, vendor_a, "POST", "/v1/dry-runs", content=content)
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/unavailable")
    assert answer.headers["Retry-After"] == "30"
    assert parser_process._children == set()


def test_dry_run_waits_for_its_turn_on_the_server(
    app: FastAPI, vendor_a: httpx.Client, vendor_b: httpx.Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(dry_run_limits, "WAIT_SECONDS", 0.5)
    app.state.dry_run_slots = asyncio.Semaphore(1)
    go = tmp_path / "go"

    async def both() -> tuple[httpx.Response, httpx.Response]:
        async with asking(app, vendor_a) as a, asking(app, vendor_b) as b:
            slow = asyncio.create_task(a.post("/v1/dry-runs", content=b"wait:%b" % os.fsencode(go)))
            while not parser_process._children:
                await asyncio.sleep(0.01)
            waiting = await b.post("/v1/dry-runs", content=FILE)
            go.touch()
            return await slow, waiting

    with hostile_child():
        slow, waiting = asyncio.run(both())
    assert (slow.status_code, waiting.status_code) == (200, 503)
    assert answer_of(app, vendor_b, "POST", "/v1/dry-runs", content=FILE).status_code == 200


def test_dry_run_with_a_slow_upload_blocks_no_other(
    app: FastAPI, vendor_a: httpx.Client, vendor_b: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dry_run_limits, "WAIT_SECONDS", 0.5)
    app.state.dry_run_slots = asyncio.Semaphore(1)

    async def both() -> tuple[httpx.Response, httpx.Response]:
        waiting, go = asyncio.Event(), asyncio.Event()

        async def slowly() -> AsyncIterator[bytes]:
            yield FILE[:10]
            waiting.set()
            await go.wait()
            yield FILE[10:]

        async with asking(app, vendor_a) as a, asking(app, vendor_b) as b:
            slow = asyncio.create_task(a.post("/v1/dry-runs", content=slowly()))
            await waiting.wait()
            other = await b.post("/v1/dry-runs", content=FILE)
            go.set()
            return await slow, other

    slow, other = asyncio.run(both())
    assert (slow.status_code, other.status_code) == (200, 200)


def test_third_concurrent_dry_run_of_a_vendor_is_rejected(
    app: FastAPI, pipeline: Pipeline, vendor_a: httpx.Client, vendor_b: httpx.Client
) -> None:
    begin = "insert into dry_runs (vendor_id, started_at) values ('VENDA', now() - make_interval(secs => %s))"
    for seconds in (1, 2):
        pipeline.connection.execute(begin, (seconds,))
    refused = answer_of(app, vendor_a, "POST", "/v1/dry-runs", content=FILE)
    assert (refused.status_code, refused.json()["type"]) == (429, "/problems/too-many-requests")
    assert int(refused.headers["Retry-After"]) > 0
    assert answer_of(app, vendor_b, "POST", "/v1/dry-runs", content=FILE).status_code == 200
    # One whose server never said that it ended does not count for ever.
    pipeline.connection.execute("update dry_runs set started_at = now() - interval '3 minutes'")
    assert answer_of(app, vendor_a, "POST", "/v1/dry-runs", content=FILE).status_code == 200


def test_dry_runs_started_concurrently_are_counted_exactly(pipeline: Pipeline, vendor_a: httpx.Client) -> None:
    """Of requests that come together no more than the limit get through."""
    forget(pipeline)
    with ThreadPoolExecutor(12) as threads:
        answers = list(threads.map(lambda _: vendor_a.post("/v1/dry-runs", content=FILE), range(12)))
    assert {answer.status_code for answer in answers} <= {200, 429}
    overlap = """
        select max((select count(*) from dry_runs o where o.started_at <= d.started_at and o.ended_at > d.started_at))
        from dry_runs d
    """
    [(most,)] = pipeline.connection.execute(overlap).fetchall()
    assert most <= dry_run_limits.VENDOR_AT_ONCE
    forget(pipeline)


def test_dry_runs_over_the_hourly_limit_are_rejected(app: FastAPI, pipeline: Pipeline, vendor_a: httpx.Client) -> None:
    many = (
        "insert into dry_runs (vendor_id, started_at, ended_at) "
        "select 'VENDA', now() - interval '50 minutes', now() from generate_series(1, %s)"
    )
    pipeline.connection.execute(many, (dry_run_limits.VENDOR_PER_HOUR,))
    refused = answer_of(app, vendor_a, "POST", "/v1/dry-runs", content=FILE)
    assert refused.status_code == 429
    assert 500 <= int(refused.headers["Retry-After"]) <= 600
    assert f"the limit is {dry_run_limits.VENDOR_PER_HOUR}" in refused.json()["detail"]


def test_dry_run_is_recorded_with_size_and_outcome(app: FastAPI, pipeline: Pipeline, vendor_a: httpx.Client) -> None:
    for content in (FILE, b"a,b\n1,2\n"):
        answer_of(app, vendor_a, "POST", "/v1/dry-runs", content=content)
    recorded = pipeline.connection.execute(
        "select actor, detail from audit_log where vendor_id = 'VENDA' and action = 'dry_run' "
        "order by entry_id desc limit 2"
    ).fetchall()
    assert [actor for actor, _ in recorded] == ["vendor:VENDA"] * 2
    assert [detail for _, detail in recorded] == [
        {"outcome": "failed", "failure_code": "MISSING_COLUMNS", "rows": 0, "file_size_bytes": 8},
        {"outcome": "completed", "failure_code": None, "rows": 1, "file_size_bytes": len(FILE)},
    ]
    assert pipeline.connection.execute("select from dry_runs where ended_at is null").fetchall() == []
