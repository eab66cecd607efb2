"""Calls that run at the same time, one step at a time: from place to place, as a schedule says.

Each call has a thread, and only the one that was told to goes on. A call that waits for a lock of the database, which
another holds, counts as blocked until the lock is free.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from tests.faults.lambda_runtime import Call, Place
from tests.faults.simulation import Control, Delivery, World

PATIENCE = 30.0
POLL = 0.004


class Task:
    """One call under way. `action` is asked what befalls it when it goes on from where it is parked.

    A free one is never parked, and runs as the machine lets it.
    """

    def __init__(self, world: World, delivery: Delivery, action: Control, *, free: bool = False) -> None:
        self.world = world
        self.delivery = delivery
        self.place: Place | None = None
        self.call: Call | None = None
        self.done = False
        self.fault: str | None = None
        self._action = action
        self._released = free
        self._ended = -1
        self._go = threading.Semaphore(0)
        self._stopped = threading.Event()
        self._broken: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        if not free:
            self.wait()

    def _run(self) -> None:
        try:
            self.fault = self.world.handle(self.delivery, self._reached)
        except BaseException as broken:  # noqa: BLE001 - raised again on the schedule's own thread
            self._broken = broken
        self.done = True
        self._stopped.set()

    def _reached(self, call: Call, place: Place) -> str | None:
        first, self.place, self.call = self.call is None, place, call
        # Between what was just done and what comes next nothing is done: one stop there is enough.
        if not self._released and (first or place.startswith("after ")):
            self._stopped.set()
            self._go.acquire()
        return self._action(call, place)

    @property
    def parked(self) -> bool:
        return self._stopped.is_set() and not self.done

    @property
    def blocked(self) -> bool:
        """Whether another holds what this call needs in the database."""
        backend = self.call.container.backend if self.call and self.call.container else None
        return backend is not None and self.world.runtime.waits_for_lock(backend)

    def may_go_on(self) -> bool:
        """Whether a blocked call has got its lock, as far as can be known from ended transactions."""
        ended, self._ended = self._ended, self.world.runtime.transactions_ended
        return ended != self._ended and not self.blocked

    def advance(self) -> None:
        """Go on to the next place, to the end, or until a lock is in the way."""
        assert self.parked
        self._stopped.clear()
        self._go.release()
        self.wait()

    def release(self) -> None:
        """Go on to the end without another stop, as soon as no lock is in the way; nobody waits for it here."""
        self._released = True
        if self.parked:
            self._stopped.clear()
            self._go.release()

    def join(self) -> None:
        self._thread.join(PATIENCE)
        assert self.done, f"{self.delivery.function} does not end after {self.place}"
        if self._broken is not None:
            raise self._broken

    def wait(self) -> None:
        """Until parked, done or blocked."""
        deadline = time.monotonic() + PATIENCE
        while not self._stopped.wait(POLL):
            if self.blocked:
                return
            if time.monotonic() > deadline:
                raise AssertionError(f"{self.delivery.function} neither moves nor waits for a lock, after {self.place}")
        if self._broken is not None:
            raise self._broken


def drain(tasks: list[Task], choose: Callable[[list[Task]], Task]) -> None:
    """Take every call to its end, the next step being that of the one that `choose` gives."""
    deadline = time.monotonic() + PATIENCE
    while any(not task.done for task in tasks):
        ready = [task for task in tasks if task.parked]
        if ready:
            choose(ready).advance()
        look_at_blocked(tasks)
        if time.monotonic() > deadline:
            raise AssertionError("calls wait for each other and nobody ends it")


def look_at_blocked(tasks: list[Task]) -> None:
    """A lock may be free now, if a transaction has ended: whoever got it goes on to its next place."""
    for task in tasks:
        if not task.done and not task.parked and task.may_go_on():
            task.wait()
