"""Deterministic interleaving of concurrent calls, from injection point to injection point.

Each call has a thread, and only one thread advances at a time. A call that waits for a database lock of another call
counts as blocked until the lock is released.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from tests.faults.lambda_runtime import Call, InjectionPoint
from tests.faults.simulation import Control, Delivery, Simulation

PATIENCE = 30.0
POLL = 0.004


class Task:
    """A running call, paused at injection points. `action` is its control after each pause.

    A `free` task is never paused.
    """

    def __init__(self, simulation: Simulation, delivery: Delivery, action: Control, *, free: bool = False) -> None:
        self.simulation = simulation
        self.delivery = delivery
        self.point: InjectionPoint | None = None
        self.call: Call | None = None
        self.done = False
        self.fault: str | None = None
        self._action = action
        self._released = free
        self._ended = -1
        self._go = threading.Semaphore(0)
        self._stopped = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        if not free:
            self.wait()

    def _run(self) -> None:
        try:
            self.fault = self.simulation.handle(self.delivery, self._pause_and_act)
        except BaseException as error:  # noqa: BLE001 - raised again on the schedule's own thread
            self._error = error
        self.done = True
        self._stopped.set()

    def _pause_and_act(self, call: Call, point: InjectionPoint) -> str | None:
        first, self.point, self.call = self.call is None, point, call
        # One pause for each call or statement is enough: nothing happens between it and the next one.
        if not self._released and (first or point.startswith("after ")):
            self._stopped.set()
            self._go.acquire()
        return self._action(call, point)

    @property
    def paused(self) -> bool:
        return self._stopped.is_set() and not self.done

    @property
    def blocked(self) -> bool:
        """Whether the call waits for a database lock of another call."""
        backend = self.call.container.backend if self.call and self.call.container else None
        return backend is not None and self.simulation.runtime.waits_for_lock(backend)

    def may_continue(self) -> bool:
        """Return whether a blocked call may have its lock: a transaction has ended since the last check."""
        ended, self._ended = self._ended, self.simulation.runtime.transactions_ended
        return ended != self._ended and not self.blocked

    def advance(self) -> None:
        """Continue to the next injection point, to the end, or until the call is blocked."""
        assert self.paused
        self._stopped.clear()
        self._go.release()
        self.wait()

    def release(self) -> None:
        """Continue to the end without another pause; do not wait for the end."""
        self._released = True
        if self.paused:
            self._stopped.clear()
            self._go.release()

    def join(self) -> None:
        self._thread.join(PATIENCE)
        assert self.done, f"{self.delivery.function} does not end after {self.point}"
        if self._error is not None:
            raise self._error

    def wait(self) -> None:
        """Wait until the call is paused, done or blocked."""
        deadline = time.monotonic() + PATIENCE
        while not self._stopped.wait(POLL):
            if self.blocked:
                return
            if time.monotonic() > deadline:
                raise AssertionError(
                    f"{self.delivery.function} makes no progress and waits for no lock, after {self.point}"
                )
        if self._error is not None:
            raise self._error


def drain(tasks: list[Task], choose: Callable[[list[Task]], Task]) -> None:
    """Advance the calls to their end; `choose` selects the next one."""
    deadline = time.monotonic() + PATIENCE
    while any(not task.done for task in tasks):
        ready = [task for task in tasks if task.paused]
        if ready:
            choose(ready).advance()
        advance_unblocked(tasks)
        if time.monotonic() > deadline:
            raise AssertionError("calls wait for each other")


def advance_unblocked(tasks: list[Task]) -> None:
    """Wait for the blocked calls that may have received their lock."""
    for task in tasks:
        if not task.done and not task.paused and task.may_continue():
            task.wait()
