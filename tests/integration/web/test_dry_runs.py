"""Limits on dry runs: slow files do not block other requests, and each vendor has a limited number."""

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
from tests.support.isolation_attempts import run_async, running_app, send_to_app
from tests.support.running_pipeline import Pipeline, csv_of, product

FILE = csv_of([product("limited")])


@pytest.fixture
def app(pipeline: Pipeline) -> Iterator[FastAPI]:
    delete_dry_runs(pipeline)
    with running_app(pipeline) as app:
        yield app
    delete_dry_runs(pipeline)


def delete_dry_runs(pipeline: Pipeline) -> None:
    """Delete all dry runs, so that none counts towards a limit."""
    pipeline.connection.execute("delete from dry_runs")


def async_client(app: FastAPI, client: httpx.Client) -> httpx.AsyncClient:
    """Return an asynchronous client with the session of `client`, for an app of this process."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(
        transport=transport, base_url=client.base_url, headers=client.headers, cookies=client.cookies, timeout=120
    )


def test_other_requests_during_hostile_dry_runs_succeed(
    app: FastAPI, pipeline: Pipeline, vendor_a: httpx.Client, vendor_b: httpx.Client, tmp_path: Path
) -> None:
    """Ten uploads and the maximum number of dry runs of a vendor are parsed until the file `release` exists."""
    release = tmp_path / "release"
    content = b"wait:%b" % os.fsencode(release)
    with pipeline.without_bucket_notifications():
        sources = [pipeline.put_key(f"uploads/VENDA/hostile-{n}.csv", content + b"\n" * n) for n in range(10)]
    parsing = threading.Semaphore(0)

    def ingest(source: pipeline_ingest.S3ObjectVersion) -> str | None:
        with closing(AppContext(Settings(dict(pipeline.endpoints.environment())))) as ctx:
            parsing.release()
            return pipeline_ingest.ingest_object(ctx, source).outcome

    async def send_other_requests() -> tuple[list[httpx.Response], list[httpx.Response]]:
        async with async_client(app, vendor_a) as a, async_client(app, vendor_b) as b:
            slow_requests = [asyncio.create_task(a.post("/v1/dry-runs", content=content)) for _ in range(2)]
            while pipeline.connection.execute("select count(*) from dry_runs where ended_at is null").fetchone() != (
                2,
            ):
                await asyncio.sleep(0.01)
            other_responses = [await b.get("/v1/uploads"), await b.post("/v1/dry-runs", content=FILE)]
            assert not any(task.done() for task in slow_requests)
            release.touch()
            return other_responses, [await task for task in slow_requests]

    with pytest.MonkeyPatch.context() as patch, hostile_child(), ThreadPoolExecutor(10) as threads:
        for name, value in pipeline.endpoints.environment().items():
            patch.setenv(name, value)
        futures = [threads.submit(ingest, source) for source in sources]
        try:
            for _ in sources:
                assert parsing.acquire(timeout=60)
            other_responses, slow_responses = run_async(send_other_requests())
        finally:
            release.touch()
        assert [future.result() for future in futures] == ["rejected"] * 10
    assert [response.status_code for response in other_responses] == [200, 200]
    assert other_responses[1].json()["valid_records"] == 1
    assert [response.json()["failure_code"] for response in slow_responses] == ["MISSING_COLUMNS"] * 2
    for source in sources:
        upload = pipeline.finished(pipeline.upload_id(source))
        assert (upload.status, bool(upload.failure_reason)) == ("failed", True)


@pytest.mark.parametrize("behaviour", [b"loop", b"memory", b"killed"])
def test_dry_run_of_a_file_over_a_limit_fails(app: FastAPI, vendor_a: httpx.Client, behaviour: bytes) -> None:
    with hostile_child(CPU_SECONDS=1):
        response = send_to_app(app, vendor_a, "POST", "/v1/dry-runs", content=behaviour)
    assert (response.status_code, response.json()["failure_code"]) == (200, "TOO_COMPLEX")


def test_dry_run_on_a_server_that_is_too_busy_is_unavailable(
    app: FastAPI, vendor_a: httpx.Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("onboarding.pipeline.dry_run.PARSING_SECONDS", 0.5)
    with hostile_child():
        content = b"wait:%b" % os.fsencode(tmp_path / "never")
        response = send_to_app(app, vendor_a, "POST", "/v1/dry-runs", content=content)
    assert (response.status_code, response.json()["type"]) == (503, "/problems/unavailable")
    assert response.headers["Retry-After"] == "30"
    assert parser_process._children == set()


def test_dry_run_without_a_free_slot_is_unavailable(
    app: FastAPI, vendor_a: httpx.Client, vendor_b: httpx.Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(dry_run_limits, "WAIT_SECONDS", 0.5)
    app.state.dry_run_slots = asyncio.Semaphore(1)
    release = tmp_path / "release"

    async def send_both() -> tuple[httpx.Response, httpx.Response]:
        async with async_client(app, vendor_a) as a, async_client(app, vendor_b) as b:
            slow_request = asyncio.create_task(a.post("/v1/dry-runs", content=b"wait:%b" % os.fsencode(release)))
            while not parser_process._children:
                await asyncio.sleep(0.01)
            other_response = await b.post("/v1/dry-runs", content=FILE)
            release.touch()
            return await slow_request, other_response

    with hostile_child():
        slow_response, other_response = run_async(send_both())
    assert (slow_response.status_code, other_response.status_code) == (200, 503)
    assert send_to_app(app, vendor_b, "POST", "/v1/dry-runs", content=FILE).status_code == 200


def test_dry_run_with_a_slow_upload_blocks_no_other(
    app: FastAPI, vendor_a: httpx.Client, vendor_b: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dry_run_limits, "WAIT_SECONDS", 0.5)
    app.state.dry_run_slots = asyncio.Semaphore(1)

    async def send_both() -> tuple[httpx.Response, httpx.Response]:
        started, release = asyncio.Event(), asyncio.Event()

        async def slow_content() -> AsyncIterator[bytes]:
            yield FILE[:10]
            started.set()
            await release.wait()
            yield FILE[10:]

        async with async_client(app, vendor_a) as a, async_client(app, vendor_b) as b:
            slow_request = asyncio.create_task(a.post("/v1/dry-runs", content=slow_content()))
            await started.wait()
            other_response = await b.post("/v1/dry-runs", content=FILE)
            release.set()
            return await slow_request, other_response

    slow_response, other_response = run_async(send_both())
    assert (slow_response.status_code, other_response.status_code) == (200, 200)


def test_third_concurrent_dry_run_of_a_vendor_is_rejected(
    app: FastAPI, pipeline: Pipeline, vendor_a: httpx.Client, vendor_b: httpx.Client
) -> None:
    insert = "insert into dry_runs (vendor_id, started_at) values ('VENDA', now() - make_interval(secs => %s))"
    for seconds in (1, 2):
        pipeline.connection.execute(insert, (seconds,))
    rejected = send_to_app(app, vendor_a, "POST", "/v1/dry-runs", content=FILE)
    assert (rejected.status_code, rejected.json()["type"]) == (429, "/problems/too-many-requests")
    assert int(rejected.headers["Retry-After"]) > 0
    assert send_to_app(app, vendor_b, "POST", "/v1/dry-runs", content=FILE).status_code == 200
    # A dry run whose end was not recorded counts for two minutes only.
    pipeline.connection.execute("update dry_runs set started_at = now() - interval '3 minutes'")
    assert send_to_app(app, vendor_a, "POST", "/v1/dry-runs", content=FILE).status_code == 200


def test_dry_runs_started_concurrently_are_counted_exactly(pipeline: Pipeline, vendor_a: httpx.Client) -> None:
    """Concurrent requests do not exceed the limit."""
    delete_dry_runs(pipeline)
    with ThreadPoolExecutor(12) as threads:
        responses = list(threads.map(lambda _: vendor_a.post("/v1/dry-runs", content=FILE), range(12)))
    assert {response.status_code for response in responses} <= {200, 429}
    overlap = """
        select max((select count(*) from dry_runs o where o.started_at <= d.started_at and o.ended_at > d.started_at))
        from dry_runs d
    """
    [(maximum,)] = pipeline.connection.execute(overlap).fetchall()
    assert maximum <= dry_run_limits.VENDOR_LIMIT
    delete_dry_runs(pipeline)


def test_dry_runs_over_the_hourly_limit_are_rejected(app: FastAPI, pipeline: Pipeline, vendor_a: httpx.Client) -> None:
    insert = (
        "insert into dry_runs (vendor_id, started_at, ended_at) "
        "select 'VENDA', now() - interval '50 minutes', now() from generate_series(1, %s)"
    )
    pipeline.connection.execute(insert, (dry_run_limits.VENDOR_HOURLY_LIMIT,))
    rejected = send_to_app(app, vendor_a, "POST", "/v1/dry-runs", content=FILE)
    assert rejected.status_code == 429
    assert 500 <= int(rejected.headers["Retry-After"]) <= 600
    assert f"the limit is {dry_run_limits.VENDOR_HOURLY_LIMIT}" in rejected.json()["detail"]


def test_dry_run_is_recorded_with_size_and_outcome(app: FastAPI, pipeline: Pipeline, vendor_a: httpx.Client) -> None:
    for content in (FILE, b"a,b\n1,2\n"):
        send_to_app(app, vendor_a, "POST", "/v1/dry-runs", content=content)
    entries = pipeline.connection.execute(
        "select actor, detail from audit_log where vendor_id = 'VENDA' and action = 'dry_run' "
        "order by entry_id desc limit 2"
    ).fetchall()
    assert [actor for actor, _ in entries] == ["vendor:VENDA"] * 2
    assert [detail for _, detail in entries] == [
        {"outcome": "failed", "failure_code": "MISSING_COLUMNS", "rows": 0, "file_size_bytes": 8},
        {"outcome": "completed", "failure_code": None, "rows": 1, "file_size_bytes": len(FILE)},
    ]
    assert pipeline.connection.execute("select from dry_runs where ended_at is null").fetchall() == []
