"""Concurrent calls to AWS."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import TypeVar

from onboarding.runtime import PARALLEL_CALLS

Argument = TypeVar("Argument")


def map_concurrently(call: Callable[[Argument], None], arguments: Iterable[Argument]) -> Iterator[None]:
    """Make a call for each argument, up to `PARALLEL_CALLS` at once. Yield as each call completes, in order.

    Arguments are taken as calls are made, so that those of a large file are never all in memory. Raises the first
    exception of a call; calls that have not started are then cancelled.
    """
    futures: deque[Future[None]] = deque()
    with _use_thread_pool() as pool:
        for argument in arguments:
            futures.append(pool.submit(call, argument))
            if len(futures) > 2 * PARALLEL_CALLS:
                yield futures.popleft().result()
        for future in futures:
            yield future.result()


@contextmanager
def _use_thread_pool() -> Iterator[ThreadPoolExecutor]:
    """Yield a thread pool that is reused by the next caller: starting threads takes longer than validating some rows.

    After an exception no thread continues, so that no call of a failed attempt runs after those of the next attempt.
    """
    pool = _get_shared_pool(ThreadPoolExecutor)
    try:
        yield pool
    except BaseException:
        _get_shared_pool.cache_clear()
        pool.shutdown(cancel_futures=True)
        raise


@cache
def _get_shared_pool(executor: Callable[[int], ThreadPoolExecutor]) -> ThreadPoolExecutor:
    return executor(PARALLEL_CALLS)
